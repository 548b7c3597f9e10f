import type { Command } from 'commander'
import { applySet, fromPlain, Problems, type Json, type PipelineSpec } from 'ockham'
import type { Host } from '../../node/index.js'
import { applySweeps, sweepOf, type Sweep } from '../../node/sweep.js'
import { parseYaml, readYaml } from '../../node/yaml.js'
import { collect, common, tracked, watching, whole, type Common } from '../flags.js'
import { printPlans, printRecord } from '../print.js'
import { showProgress } from '../progress.js'
import { assigned } from '../set.js'
import { withHost } from '../with-host.js'

interface RunFlags extends Common {
  readonly set: readonly string[]
  readonly seed?: number
  readonly limit?: number
  readonly sweep: readonly string[]
  readonly track: readonly string[]
  readonly dryRun?: true
}

/** Reads a spec file and applies `--set`, `--seed`, `--limit` and `--sweep`; all problems at once. */
async function readSpec(file: string, flags: Pick<RunFlags, 'set' | 'seed' | 'limit' | 'sweep'>): Promise<PipelineSpec> {
  const problems = new Problems()
  let plain = await assigned(readYaml(file), flags.set, problems)
  const sweeps: Sweep[] = []
  for (const [i, text] of flags.sweep.entries())
    await problems.during(() => void sweeps.push(sweepOf(text, (right) => parseYaml(right, `--sweep #${i + 1}`))))
  problems.check()
  if (flags.seed !== undefined) {
    const { seeds: _, ...single } = plain as Record<string, Json>
    plain = { ...single, seed: flags.seed }
  }
  if (flags.limit !== undefined) plain = applySet(plain, 'limit', flags.limit)
  return fromPlain(applySweeps(plain, sweeps))
}

async function start(file: string, flags: RunFlags): Promise<void> {
  const spec = await readSpec(file, flags)
  await withHost(flags, async (host, signal) => {
    if (flags.dryRun) return void printPlans(await host.plan(spec), flags.json)
    const listen: Parameters<Host['run']>[1] = { signal, listen: (events, name) => showProgress(events, name) }
    printRecord(await host.run(spec, listen), flags.json)
  })
}

export function run(program: Command): void {
  const command = program.command('run').description('train, evaluate, certify and record what a spec says').argument('<spec>', 'YAML file')
  watching(tracked(common(command)))
    .option('--set <path=value>', 'replace one value of the spec (repeatable)', collect, [] as readonly string[])
    .option('--seed <n>', 'replace the seed', whole(0))
    .option('--limit <n>', 'at most n examples of each split of the dataset', whole(1))
    .option('--sweep <path=[values]>', 'a child run for each value (repeatable: for each combination)', collect, [] as readonly string[])
    .option('--dry-run', 'print parameters, memory, steps and tensors bound a call, and stop')
    .action(start)
}

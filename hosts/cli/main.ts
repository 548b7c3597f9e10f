import { Command, InvalidArgumentError, Option } from 'commander'
import {
  applySet,
  fromPlain,
  InputError,
  Interrupted,
  OckhamError,
  Problems,
  Reference,
  type Json,
  type PipelineSpec,
  type Use,
} from 'ockham'
import { defaultEngine, engineNames, type EngineName } from '../node/engines.js'
import { recordedEngine } from '../node/again.js'
import { defaultOut, findFolder } from '../node/folder.js'
import type { Host } from '../node/index.js'
import { versions } from '../node/versions.js'
import { applySweeps, sweepOf, type Sweep } from '../node/sweep.js'
import { parseYaml, readYaml } from '../node/yaml.js'
import { compare } from './compare.js'
import { listPlugins, listRuns, registry, show } from './lists.js'
import { load, sync } from './mlflow.js'
import { printPlans, printRecord, printTimings } from './print.js'
import { showProgress } from './progress.js'

/** Exit codes: done, failed while running, bad input, interrupted. */
const exit = { failed: 1, input: 2, interrupted: 130 } as const

interface Common {
  readonly engine?: EngineName
  readonly threads?: number
  readonly out: string
  readonly json?: true
  readonly profile?: true
  readonly checkFinite?: true
}

interface RunFlags extends Common {
  readonly set: readonly string[]
  readonly seed?: number
  readonly limit?: number
  readonly sweep: readonly string[]
  readonly track: readonly string[]
  readonly dryRun?: true
}

const whole = (least: number) => (text: string) => {
  const n = Number(text)
  if (!Number.isInteger(n) || n < least) throw new InvalidArgumentError(`expected a whole number of at least ${least}`)
  return n
}

const collect = (item: string, items: readonly string[]): readonly string[] => [...items, item]

/** Reads a spec file and applies `--set`, `--seed`, `--limit` and `--sweep`; all problems at once. */
async function readSpec(file: string, flags: Pick<RunFlags, 'set' | 'seed' | 'limit' | 'sweep'>): Promise<PipelineSpec> {
  let plain = readYaml(file)
  const problems = new Problems()
  for (const [i, assignment] of flags.set.entries()) {
    const at = assignment.indexOf('=')
    await problems.during(() => {
      if (at < 1)
        throw new InputError({
          code: 'OCK-SPEC-027',
          what: `'${assignment}' is not path=value`,
          where: '--set',
          remedy: 'e.g. --set inference.epochs=3',
        })
      plain = applySet(plain, assignment.slice(0, at), parseYaml(assignment.slice(at + 1), `--set #${i + 1}`))
    })
  }
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

/** A tracker as `--track` names it: a name, or `{ use: name, ...options }`. */
function trackerOf(text: string, i: number): Use<'tracker'> {
  const given = parseYaml(text, `--track #${i + 1}`)
  const { use: name, ...options } = (typeof given === 'object' && given !== null ? given : { use: given }) as Record<string, Json>
  if (typeof name === 'string') return new Reference(name, options) as unknown as Use<'tracker'>
  throw new InputError({
    code: 'OCK-SPEC-020',
    what: `'${text}' names no tracker`,
    where: '--track',
    remedy: "write --track mlflow, or --track '{use: mlflow, experiment: glyphs}'",
  })
}

/** Starts a host for one piece of work; Ctrl-C closes the run with a checkpoint, a second one ends at once. */
async function withHost<T>(
  flags: Common & { readonly track?: readonly string[] },
  work: (host: Host, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { createHost } = await import('../node/index.js')
  const stop = new AbortController()
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(exit.interrupted)
    process.stderr.write('interrupted: closing with a checkpoint (again to end at once)\n')
    stop.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const host = await createHost({
    trackers: (flags.track ?? []).map((text, i) => trackerOf(text, i)),
    engine: flags.engine ?? defaultEngine,
    out: flags.out,
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.profile && { profile: true }),
    ...(flags.checkFinite && { checkFinite: true }),
  })
  try {
    return await work(host, stop.signal)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    if (flags.profile) printTimings((await host.engine.profile?.()) ?? [])
    await host.dispose()
  }
}

async function run(file: string, flags: RunFlags): Promise<void> {
  const spec = await readSpec(file, flags)
  await withHost(flags, async (host, signal) => {
    if (flags.dryRun) return void printPlans(await host.plan(spec), flags.json)
    const listen: Parameters<Host['run']>[1] = { signal, listen: (events, name) => showProgress(events, name) }
    printRecord(await host.run(spec, listen), flags.json)
  })
}

/** Resumes on the engine and threads that the run was started with, so that its bits go on. */
async function resume(folder: string, flags: Common & Pick<RunFlags, 'track'>): Promise<void> {
  const recorded = recordedEngine(findFolder(folder, flags.out))
  const threads = recorded?.build['threads']
  const same = {
    ...(recorded && { engine: recorded.name as EngineName }),
    ...(typeof threads === 'number' && { threads }),
  }
  await withHost({ ...same, ...flags }, async (host, signal) => {
    printRecord(await host.resume(folder, { signal, listen: (events, name) => showProgress(events, name) }), flags.json)
  })
}

const common = (command: Command): Command =>
  command
    .addOption(
      new Option('--engine <name>', `what runs the tensors (default: ${defaultEngine}; resume takes the run's own)`).choices(engineNames),
    )
    .option('--threads <n>', 'threads of the engine (default: one a core)', whole(1))
    .option('--out <dir>', 'folder of run folders', defaultOut)
    .option('--json', 'the last line of standard output is the result as one JSON object')

const trackAbout = "keep a record beside the journal: mlflow, or '{use: mlflow, ...options}' (repeatable)"

function program(): Command {
  const ockham = new Command('ockham').description('Probabilistic, robust and certified deep learning').version(versions()['ockham']!)
  common(ockham.command('run').description('train, evaluate, certify and record what a spec says').argument('<spec>', 'YAML file'))
    .option('--set <path=value>', 'replace one value of the spec (repeatable)', collect, [] as readonly string[])
    .option('--seed <n>', 'replace the seed', whole(0))
    .option('--limit <n>', 'at most n examples of each split of the dataset', whole(1))
    .option('--sweep <path=[values]>', 'a child run for each value (repeatable: for each combination)', collect, [] as readonly string[])
    .option('--track <tracker>', trackAbout, collect, [] as readonly string[])
    .option('--profile', 'at the end, a table of the time that each kind of operation took')
    .option('--check-finite', 'where a result is not finite, name the first operation that made one and its line')
    .option('--dry-run', 'print parameters, memory, steps and tensors bound a call, and stop')
    .action(run)
  common(ockham.command('resume').description('go on with a run that was killed or interrupted').argument('<run>', 'folder or id'))
    .option('--track <tracker>', trackAbout, collect, [] as readonly string[])
    .action(resume)
  common(
    ockham
      .command('load')
      .description('fetch a model, or a run, and say what it takes')
      .argument('<source>', 'models:/name@alias, models:/name/version, or a run'),
  ).action((source: string, flags: Common) => withHost(flags, (host) => load(host, source, flags.json)))
  ockham
    .command('sync')
    .description('bring what a run has kept for MLflow to the server')
    .argument('<run>', 'folder or id')
    .option('--uri <address>', 'of the server (default: MLFLOW_TRACKING_URI, else the one the run was meant for)')
    .option('--out <dir>', 'folder of run folders', defaultOut)
    .option('--json')
    .action(sync)
  ockham
    .command('compare')
    .description('runs side by side: in what they differ, and what they found')
    .argument('<run...>', 'folders or ids; children are compared too')
    .option('--out <dir>', 'folder of run folders', defaultOut)
    .option('--json')
    .action(compare)
  ockham
    .command('runs')
    .description('list the runs')
    .option('--out <dir>', 'folder of run folders', defaultOut)
    .option('--json')
    .action(listRuns)
  ockham
    .command('show')
    .description('print what a run found')
    .argument('<run>', 'folder or id')
    .option('--out <dir>', 'folder of run folders', defaultOut)
    .option('--json')
    .action(show)
  ockham
    .command('plugins')
    .description('list the components, or describe one')
    .argument('[name]')
    .option('--schema', 'print the JSON schema of specs, for editors')
    .option('--json')
    .action(listPlugins)
  ockham
    .command('registry')
    .description('print registry.json as the plugins say it')
    .option('--write', 'write it')
    .option('--check', 'exit 1 where it is stale')
    .action(registry)
  return ockham
}

/** The command line. Errors go to standard error with their codes. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough (`ockham runs | head`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  const ockham = program()
  for (const command of [ockham, ...ockham.commands]) command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exit.input))
  try {
    await ockham.parseAsync(argv)
  } catch (error) {
    process.exitCode = error instanceof Interrupted ? exit.interrupted : error instanceof InputError ? exit.input : exit.failed
    process.stderr.write(
      `${error instanceof OckhamError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
  }
}

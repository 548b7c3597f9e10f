import type { Command } from 'commander'
import { InputError, Problems, type Json } from 'ockham'
import type { Certified } from '../../node/index.js'
import { collect, common, type Common } from '../flags.js'
import { printTable, sayAbove } from '../print.js'
import { assigned } from '../set.js'
import { exit, withHost } from '../with-host.js'

interface Flags extends Common {
  readonly decode?: string
  readonly spec?: string
  readonly set: readonly string[]
}

const line = (text: string): void => void process.stdout.write(`${text}\n`)

function print({ file, bits, certificates, compared, agrees }: Certified): void {
  line(`message  ${file}, ${bits} bits`)
  printTable(
    certificates.map((c, i) => ({
      bound: c.bound,
      risk: c.terms['rate'] ?? null,
      'bound on it': Number(sayAbove(c.value)),
      trivial: c.trivial,
      confidence: c.confidence,
      ...(compared[i] && {
        'claimed risk': compared[i].claimed.risk,
        'claimed bound': Number(sayAbove(compared[i].claimed.value)),
        '': compared[i].agrees ? 'agrees' : 'DIFFERS',
      }),
    })),
  )
  if (compared.length > 0) line(agrees ? 'agrees with what the file claims' : 'DIFFERS from what the file claims')
  else if (!agrees) line('the file claims nothing that could be compared')
}

/** The spec of a message with `--set` applied. */
const changed =
  (set: readonly string[]) =>
  async (plain: Json): Promise<Json> => {
    const problems = new Problems()
    const spec = await assigned(plain, set, problems)
    problems.check()
    return spec
  }

async function start(run: string | undefined, flags: Flags): Promise<void> {
  if ((run === undefined) === (flags.decode === undefined))
    throw new InputError({
      code: 'OCK-CERT-006',
      what: run === undefined ? 'nothing to certify was named' : 'a run and a message were named',
      where: 'ockham certify',
      remedy: 'give a run, or --decode with the message.bin of one',
    })
  await withHost(flags, async (host) => {
    const { decode, spec, set } = flags
    const found =
      decode === undefined ? await host.certify(run!) : await host.decode(decode, { ...(spec && { spec }), change: changed(set) })
    if (flags.json) line(JSON.stringify(found))
    else print(found)
    if (!found.agrees) process.exitCode = exit.failed
  })
}

/** `certify`: bounds from the message that rebuilds a model, and the check of one on another day. */
export function certify(program: Command): void {
  common(
    program
      .command('certify')
      .description('bound a run by the length of the message that rebuilds its model, or check such a message')
      .argument('[run]', 'folder or id: writes message.bin into it'),
  )
    .option('--decode <file>', 'a message.bin: rebuild the model, evaluate it again, exit 1 where risk or bound differ')
    .option('--spec <file>', 'the spec of the message (default: spec.yaml beside it)')
    .option(
      '--set <path=value>',
      'replace one value of the spec: dataset.root, where the data lies elsewhere',
      collect,
      [] as readonly string[],
    )
    .action(start)
}

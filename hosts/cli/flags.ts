import { InvalidArgumentError, Option, type Command } from 'commander'
import { defaultEngine, engineNames, providers, type EngineName, type Provider } from '../node/engines.js'
import { defaultOut } from '../node/folder.js'

/** What every command that runs tensors takes. */
export interface Common {
  readonly engine?: EngineName
  readonly threads?: number
  readonly provider?: Provider
  readonly out: string
  readonly json?: true
  readonly profile?: true
  readonly checkFinite?: true
}

/** Parses a whole number of at least `least`. */
export const whole = (least: number) => (text: string) => {
  const n = Number(text)
  if (!Number.isInteger(n) || n < least) throw new InvalidArgumentError(`expected a whole number of at least ${least}`)
  return n
}

/** Gathers a repeatable option. */
export const collect = (item: string, items: readonly string[]): readonly string[] => [...items, item]

/** The option of a command that looks for runs in `--out`, and prints JSON where asked. */
export const reading = (command: Command): Command => command.option('--out <dir>', 'folder of run folders', defaultOut).option('--json')

/** Adds the options of every command that runs tensors. */
export const common = (command: Command): Command =>
  command
    .addOption(
      new Option('--engine <name>', `what runs the tensors (default: ${defaultEngine}; resume takes the run's own)`).choices(engineNames),
    )
    .option('--threads <n>', 'threads of the engine (default: one a core)', whole(1))
    .addOption(new Option('--provider <name>', 'what runs the operations of onnxruntime (default: cpu)').choices(providers))
    .option('--out <dir>', 'folder of run folders', defaultOut)
    .option('--json', 'the last line of standard output is the result as one JSON object')

/** `--profile` and `--check-finite`: ways to watch what runs. */
export const watching = (command: Command): Command =>
  command
    .option('--profile', 'at the end, a table of the time that each kind of operation took')
    .option('--check-finite', 'where a result is not finite, name the first operation that made one and its line')

/** `--track`, which a command may repeat. */
export const tracked = (command: Command): Command =>
  command.option(
    '--track <tracker>',
    "keep a record beside the journal: mlflow, or '{use: mlflow, ...options}' (repeatable)",
    collect,
    [] as readonly string[],
  )

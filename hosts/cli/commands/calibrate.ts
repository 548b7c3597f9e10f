import type { Command } from 'commander'
import { fromPlain, InputError, type Json } from 'ockham'
import { parseYaml, readYaml } from '../../node/yaml.js'
import { common, tracked, whole, type Common } from '../flags.js'
import { printRecord } from '../print.js'
import { showProgress } from '../progress.js'
import { withHost } from '../with-host.js'

interface Flags extends Common {
  readonly data: string
  readonly architecture?: string
  readonly noise?: number
  readonly alpha: number
  readonly seed: number
  readonly limit?: number
  readonly track: readonly string[]
}

type Fields = Readonly<Record<string, Json>>

const isFields = (of: Json): of is Fields => typeof of === 'object' && of !== null && !Array.isArray(of)

/** What `--data` names: a table, a fifth of which calibrates, a YAML file that is a dataset or holds one, or a dataset written out. */
function dataOf(text: string): Json {
  if (text.endsWith('.csv')) return { use: 'csv', file: text, validation: 0.2 }
  if (!/\.ya?ml$/.test(text)) return parseYaml(text, '--data')
  const read = readYaml(text)
  return isFields(read) && read['dataset'] !== undefined ? read['dataset'] : read
}

/** The network: a file that says what it is, or weights of an architecture. */
function networkOf(file: string, architecture: string | undefined): { model: Json; initial?: Json } {
  if (file.endsWith('.onnx')) {
    const more = architecture === undefined ? {} : parseYaml(architecture, '--architecture')
    return { model: { ...(isFields(more) ? more : {}), use: 'onnx', file } }
  }
  if (file.endsWith('.safetensors') && architecture !== undefined)
    return { model: parseYaml(architecture, '--architecture'), initial: file }
  throw new InputError({
    code: 'OCK-CLI-004',
    what: file.endsWith('.safetensors')
      ? `${file} holds weights, and nothing says of what`
      : `'${file}' is neither an .onnx nor a .safetensors file`,
    where: 'MODEL',
    remedy: "give an ONNX file, or weights with --architecture '{use: mlp, hidden: [256]}'",
  })
}

/**
 * The spec of a calibration. Rows of `train` give the last layer's curvature; one half of `validation` the temperature, the other the conformal
 * threshold; `test` is only looked at. A regression has no temperature: its noise is tuned by the evidence.
 */
export function calibrationSpec(file: string, flags: Pick<Flags, 'data' | 'architecture' | 'noise' | 'alpha' | 'seed' | 'limit'>): Fields {
  const last: Fields = { use: 'laplace', after: 'given', priorPrecision: 1, link: 'pairwise' }
  const { noise } = flags
  const classes = noise === undefined
  return {
    name: 'calibrate',
    seed: flags.seed,
    ...(flags.limit !== undefined && { limit: flags.limit }),
    dataset: classes ? { use: 'divided', of: dataOf(flags.data) } : dataOf(flags.data),
    ...networkOf(file, flags.architecture),
    objective: classes ? 'cross-entropy' : { use: 'gaussian', noise },
    inference: classes ? { use: 'temperature', split: 'temperature', after: last } : last,
    evaluations: [
      { use: 'calibration', before: true },
      { use: 'conformal', alpha: flags.alpha, calibration: classes ? 'conformal' : 'validation' },
    ],
  }
}

async function start(file: string, flags: Flags): Promise<void> {
  const spec = fromPlain(calibrationSpec(file, flags))
  await withHost(flags, async (host, signal) => {
    printRecord(await host.run(spec, { signal, listen: (events, name) => showProgress(events, name) }), flags.json)
  })
}

const share = (text: string): number => {
  const x = Number(text)
  if (x > 0 && x < 1) return x
  throw new InputError({ code: 'OCK-CLI-005', what: `--alpha is ${text}`, where: '--alpha', remedy: 'give a number between 0 and 1' })
}

const positive = (text: string): number => {
  const x = Number(text)
  if (x > 0 && Number.isFinite(x)) return x
  throw new InputError({ code: 'OCK-CLI-005', what: `--noise is ${text}`, where: '--noise', remedy: 'give a positive number' })
}

/** `calibrate`: a network that was trained elsewhere says how sure it is. */
export function calibrate(program: Command): void {
  tracked(
    common(
      program
        .command('calibrate')
        .description('make a trained network say how sure it is: temperature, Laplace on its last layer, conformal sets; saved as a run')
        .argument('<model>', 'an .onnx file, or .safetensors weights with --architecture'),
    ),
  )
    .requiredOption(
      '--data <dataset>',
      "a CSV, a YAML file, or '{use: idx-images, root: …, validation: 5000, normalise: false}', scaled as the network was trained; with splits train, validation and test",
    )
    .option(
      '--architecture <model>',
      "the model of .safetensors weights, such as '{use: mlp, hidden: [256]}'; of an .onnx file, options of `onnx` such as '{output: mean}'",
    )
    .option('--noise <sigma>', 'a regression: standard deviation of the noise to start from, in units of the scaled target', positive)
    .option('--alpha <share>', 'conformal sets miss at most this share', share, 0.1)
    .option('--seed <n>', 'every draw follows from it', whole(0), 0)
    .option('--limit <n>', 'at most n examples of each split of the dataset', whole(1))
    .action(start)
}

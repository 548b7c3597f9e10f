import { hostKey, inputsOf, RunError, type Prediction, type Tensors, type Value, type Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import type { Host } from './host.js'
import type { Loaded } from './load.js'
import { retraced, untraceable, watching } from './watch.js'

export interface ExportOptions {
  /** Rows that the file takes at a call; any number unless given. */
  readonly batch?: number
}

/** What a file was found to do. */
export interface ExportedModel {
  readonly bytes: Uint8Array
  readonly inputs: Readonly<Record<string, readonly (number | 'rows')[]>>
  readonly outputs: readonly string[]
  /** Largest difference between what the file gives in plain ONNX Runtime and `predict`, on a few rows of noise. */
  readonly difference: number
}

/** What a file gives: probabilities of classes, or mean and standard deviation. */
const outputsOf = (p: Prediction<Tensor>): Tensors =>
  p.kind === 'categorical' ? { probabilities: p.probabilities } : { mean: p.mean, std: tf.sqrt(p.variance) }

const fieldsOf = (p: Prediction): Values =>
  p.kind === 'categorical'
    ? { probabilities: p.probabilities }
    : { mean: p.mean, std: { ...p.variance, data: Float32Array.from(p.variance.data, Math.sqrt) } }

/** Names of what a posterior over weights captures, so that they stand in the file. */
function namesOf({ posterior }: Loaded): Values {
  const vars = posterior.weights?.point()
  if (!vars) return {}
  return Object.fromEntries(
    (['params', 'frozen', 'state'] as const).flatMap((group) => Object.entries(vars[group]).map(([name, v]) => [`${group}.${name}`, v])),
  )
}

/** Rows of noise; zeros and ones where inputs are whole numbers. */
const noise = (stream: string, rows: number, shapes: Readonly<Record<string, Pick<Value, 'shape' | 'dtype'>>>): Values =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, { shape, dtype }]) => {
      const key = hostKey(0).fold('export').fold(stream).fold(name)
      const all = [rows, ...shape]
      return [name, dtype === 'float32' ? key.normal(all) : key.integers(all, 2)]
    }),
  )

/** Agreement that a file must show. */
const tolerance = 1e-5

/** Largest difference; NaN where a number is missing. */
const apart = (given: Values, wanted: Values): number =>
  Math.max(...Object.entries(wanted).flatMap(([name, v]) => Array.from(v.data, (y, i) => Math.abs(y - (given[name]?.data[i] ?? NaN)))))

/**
 * A run's predictive distribution as an `.onnx` file: output `probabilities` [n, C], or `mean` and `std` [n, D]. The file is run before it is
 * given. Throws `OCK-EXPORT-001` where the posterior predicts by no traced function of x, `-002` where the file does not do what `predict` does,
 * `-003` where predictions draw.
 */
export async function exportRun(host: Host, run: string, { batch }: ExportOptions = {}): Promise<ExportedModel> {
  const watched = watching(host.engine)
  const loaded = await host.on(watched.engine).load(run)
  const { posterior, meta, folder } = loaded
  const inputs = inputsOf(meta.shapes)
  const seen = noise('watched', batch ?? 4, inputs)
  const predictive = retraced(watched, seen, await posterior.predict(seen), posterior.finish)
  if (!predictive) throw untraceable(posterior.save().kind, folder)
  const { exported, runFile } = await import('../../plugins/services/onnxruntime/export.js')
  const bytes = exported({
    fn: (x) => outputsOf(predictive(x)),
    inputs,
    names: namesOf(loaded),
    notes: { task: meta.task, ...(meta.classes && { classes: JSON.stringify(meta.classes) }) },
    ...(batch !== undefined && { rows: batch }),
  })
  // Other rows, and where the file takes any number of them another number, than it was made from.
  const x = noise('checked', batch ?? 5, inputs)
  const wanted = fieldsOf(await posterior.predict(x))
  const difference = apart(await runFile(bytes, x), wanted)
  if (!(difference <= tolerance))
    throw new RunError({
      code: 'OCK-EXPORT-002',
      what: `the file gives numbers that differ from predict by ${difference}`,
      where: folder,
      remedy: 'serve the run by load(run).predict(x), and report its model and inference',
    })
  const open = batch ?? 'rows'
  return {
    bytes,
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, [open, ...shape]])),
    outputs: Object.keys(wanted),
    difference,
  }
}

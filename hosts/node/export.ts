import { hostKey, InputError, RunError, type Prediction, type Tensors, type Value, type Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import type { Loaded } from './load.js'

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

/** A few rows of noise, or of zeros where inputs are whole numbers. */
const noise = (rows: number, shapes: Readonly<Record<string, Pick<Value, 'shape' | 'dtype'>>>): Values =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, { shape, dtype }]) => {
      const all = [rows, ...shape]
      if (dtype === 'float32') return [name, hostKey(0).fold('export').fold(name).normal(all)]
      return [name, { shape: all, dtype: 'int32', data: new Int32Array(all.reduce((a, b) => a * b, 1)) } satisfies Value]
    }),
  )

/** Agreement that a file must show. */
const tolerance = 1e-4

/**
 * A posterior's predictive distribution as an `.onnx` file: output `probabilities` [n, C], or `mean` and `std` [n, D]. The file is run before it
 * is given. Throws `OCK-EXPORT-001` where the posterior has no traced predictive, `-002` where the file does not do what `predict` does.
 */
export async function exportModel(loaded: Loaded, { batch }: ExportOptions = {}): Promise<ExportedModel> {
  const { posterior, meta, folder } = loaded
  const predictive = posterior.predictive?.bind(posterior)
  if (!predictive)
    throw new InputError({
      code: 'OCK-EXPORT-001',
      what: `a posterior of kind ${posterior.save().kind} predicts on the host, not by a traced function of x`,
      where: folder,
      remedy: 'export a posterior over weights, such as that of map or fseb; or serve this one by load(run).predict(x)',
    })
  const { exported, runFile } = await import('../../plugins/services/onnxruntime/export.js')
  const inputs = Object.fromEntries(Object.entries(meta.shapes).filter(([name]) => name === 'x' || name.startsWith('x.')))
  const notes = { task: meta.task, ...(meta.classes && { classes: JSON.stringify(meta.classes) }) }
  const bytes = exported({
    fn: (x) => outputsOf(predictive(x)),
    inputs,
    names: namesOf(loaded),
    notes,
    ...(batch !== undefined && { rows: batch }),
  })
  const x = noise(batch ?? 5, inputs)
  const [given, wanted] = [await runFile(bytes, x), fieldsOf(await posterior.predict(x))]
  const difference = Math.max(
    ...Object.entries(wanted).flatMap(([name, v]) => Array.from(v.data, (y, i) => Math.abs(y - (given[name]?.data[i] ?? NaN)))),
  )
  if (!(difference <= tolerance))
    throw new RunError({
      code: 'OCK-EXPORT-002',
      what: `the file gives numbers that differ from predict by ${difference}`,
      where: folder,
      remedy: 'report the model and the inference; load(run).predict(x) is right',
    })
  const open = batch ?? 'rows'
  return {
    bytes,
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, [open, ...shape]])),
    outputs: Object.keys(wanted),
    difference,
  }
}

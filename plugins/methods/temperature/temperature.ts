/*
 * Temperature scaling. Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, arXiv 1706.04599, section 4.2.
 */
import { hostKey, InputError, inputsOf, RunError, slot } from 'ockham'
import type { Engine, Inference, Json, Posterior, Prediction, Problem, Saved, Value } from 'ockham'
import { tf } from 'ockham/tensor'
import { z } from 'zod'
import { checkSplits } from '../../parts/evaluation/index.js'
import { average, mapOptions, maximumAPosteriori, rowsOf, value, type MapOptions } from '../../parts/training/index.js'
import { fitTemperature, logOf, nllAt, tempered, type Logs } from './scaling.js'

export const temperatureOptions = z.strictObject({
  after: slot('inference').optional().describe('whose posterior is scaled; map unless given'),
  split: z.string().min(1).default('validation').describe('labelled examples that the temperature is fitted on, none of them trained on'),
})

export type TemperatureOptions = Omit<z.output<typeof temperatureOptions>, 'after'> & { readonly after?: Inference | undefined }

type Classes = Extract<Prediction, { kind: 'categorical' }>

const notClasses = (): RunError =>
  new RunError({
    code: 'OCK-TEMPERATURE-001',
    what: 'a temperature scales class probabilities, and the predictions are numbers',
    where: 'inference',
    remedy: 'leave temperature out of a regression',
  })

const classesOf = (prediction: Prediction): Classes => {
  if (prediction.kind === 'categorical') return prediction
  throw notClasses()
}

/** Distributions [m, n, C] at a temperature, float32. */
function scaled({ shape, data }: Value, temperature: number): Value {
  const classes = shape.at(-1)!
  const logs = Float64Array.from(data, logOf)
  const row = new Float64Array(classes)
  const out = new Float32Array(data.length)
  for (let from = 0; from < data.length; from += classes) {
    tempered(logs, from, classes, temperature, row)
    out.set(row, from)
  }
  return { shape, dtype: 'float32', data: out }
}

/** The same traced: softmax(log p / T). What float32 has of a smallest number once denormals count as zero stands for 0. */
const traced =
  (temperature: number): NonNullable<Posterior['finish']> =>
  (member) => {
    if (member.kind !== 'categorical') throw notClasses()
    return { kind: 'categorical', probabilities: tf.softmax(tf.log(tf.maximum(member.probabilities, 2 ** -126)).div(temperature)) }
  }

/** The posterior whose members' logits, or its own, are divided by the temperature. */
function posteriorOf(inner: Posterior, temperature: number, split: string): Posterior & { readonly temperature: number } {
  return {
    temperature,
    async predict(x, options) {
      const { probabilities, members } = classesOf(await inner.predict(x, options))
      if (!members) return { kind: 'categorical', probabilities: scaled(probabilities, temperature) }
      const each = Array.from({ length: members.shape[0]! }, (_, m) => rowsOf(members, m, 1))
      return average(each.map(({ data }) => ({ kind: 'categorical', probabilities: scaled({ ...probabilities, data }, temperature) })))
    },
    ...(inner.weights && { weights: inner.weights }),
    ...(!inner.finish && { finish: traced(temperature) }),
    save() {
      const { kind, values, meta } = inner.save()
      return { kind: 'temperature', values, meta: { temperature, split, of: { kind, meta } } }
    },
  }
}

/** Rows predicted at once. */
const chunk = 1024

/** Log-probabilities of every member on a split, and its labels. */
async function logsOf(inner: Posterior, { dataset }: Problem, split: string): Promise<Logs> {
  checkSplits(dataset, [split], 'inference.split')
  const rows = dataset.meta.splits[split]!
  const labels = new Int32Array(rows)
  let found: { members: number; classes: number; logs: Float64Array } | undefined
  for (let from = 0; from < rows; from += chunk) {
    const at = value(
      Array.from({ length: Math.min(chunk, rows - from) }, (_, i) => from + i),
      undefined,
      'int32',
    )
    const fields = await dataset.read(split, at)
    if (!fields['y'])
      throw new InputError({
        code: 'OCK-TEMPERATURE-002',
        what: `the split ${split} has no labels`,
        where: 'inference.split',
        remedy: 'choose a labelled split',
      })
    labels.set(fields['y'].data, from)
    const { probabilities, members = { ...probabilities, shape: [1, ...probabilities.shape] } } = classesOf(
      await inner.predict(inputsOf(fields), { key: hostKey(0).fold('temperature') }),
    )
    const [count, n, classes] = members.shape as [number, number, number]
    found ??= { members: count, classes, logs: new Float64Array(count * rows * classes) }
    for (let m = 0; m < count; m++)
      found.logs.set(Float64Array.from(members.data.subarray(m * n * classes, (m + 1) * n * classes), logOf), (m * rows + from) * classes)
  }
  return { ...found!, labels }
}

/**
 * The posterior of another inference, its logits divided by the temperature T with which the mixture of its members fits the labels of a
 * held-out split best; decisions stay as they were where there is one member.
 * Throws `OCK-EVAL-001` where there is no such split, `OCK-TEMPERATURE-001` for numbers, `-002` for a split without labels.
 */
export const temperatureScaled = (options: TemperatureOptions, { engine }: { readonly engine: Engine }): Inference => {
  const after = options.after ?? maximumAPosteriori(mapOptions.parse({}) as MapOptions, { engine })
  return {
    async infer(problem, run) {
      checkSplits(problem.dataset, [options.split], 'inference.split')
      const inner = await run.infer('fit', after, problem)
      const logs = await logsOf(inner, problem, options.split)
      const temperature = fitTemperature(logs)
      const values = { temperature, [`${options.split}/nll-before`]: nllAt(logs, 1), [`${options.split}/nll`]: nllAt(logs, temperature) }
      run.emit({ type: 'evaluation', name: 'temperature', values })
      return posteriorOf(inner, temperature, options.split)
    },
    async restore({ kind, values, meta }, problem) {
      const { temperature, split, of } = meta as { temperature: number; split: string; of: Pick<Saved, 'kind'> & { meta: Json } }
      if (kind === 'temperature') return posteriorOf(await after.restore({ ...of, values }, problem), temperature, split)
      throw new InputError({
        code: 'OCK-TEMPERATURE-003',
        what: `what was saved is a posterior of kind ${kind}, not a scaled one`,
        where: 'restore',
        remedy: 'restore it with the inference that made it',
      })
    },
    ...(after.plan && { plan: (problem: Problem) => after.plan!(problem) }),
  }
}

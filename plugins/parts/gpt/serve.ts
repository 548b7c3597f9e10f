import { hostKey, type DatasetMeta, type Engine, type Value } from 'ockham'
import { gpt, gptOptions } from './gpt.js'
import type { Served } from './reader.js'

/** Kernels with fewer outputs are read faster by rows of what is given to one output than by rows of what one input gives. */
const narrow = 1024

/** Turns kernels [in, out] with few outputs into [out, in], within their own memory. */
function turned(params: Readonly<Record<string, Value>>): Pick<Served, 'turned'> & { readonly params: Record<string, Value> } {
  const few = Object.entries(params).filter(([name, { shape }]) => name.endsWith('.kernel') && shape[1]! < narrow)
  const scratch = new Float32Array(few.reduce((most, [, { data }]) => Math.max(most, data.length), 0))
  const found: Record<string, Value> = { ...params }
  for (const [name, v] of few) {
    const [inputs, outputs] = v.shape as [number, number]
    const data = v.data as Float32Array
    scratch.set(data)
    for (let j = 0; j < outputs; j++) for (let i = 0; i < inputs; i++) data[j * inputs + i] = scratch[i * outputs + j]!
    found[name] = { ...v, shape: [outputs, inputs] }
  }
  return { params: found, turned: new Set(few.map(([name]) => name)) }
}

const undescribed: DatasetMeta = { task: 'language', splits: {}, shapes: {}, digest: '', licence: '' }

/** A published decoder ready to generate and to score. Throws what {@link openPublished} throws. */
export async function servePublished(path: string, engine: Engine): Promise<Served> {
  const model = gpt(gptOptions.parse({ file: path }))
  const { params, frozen, state } = await model.init(hostKey(0), undescribed)
  const { turned: names, params: laid } = turned(params)
  return { model, vars: { params: laid, frozen, state }, turned: names!, sizes: model.sizes(undescribed), engine }
}

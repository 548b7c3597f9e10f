import type { Call, HostKey, Value, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { attention, attentionInit } from './attention.js'
import { dense, variable } from './dense.js'
import { dropout } from './dropout.js'
import { embedding } from './embedding.js'
import { geluTanh } from './gelu.js'
import { kernel } from './init.js'
import { layerNorm, normInit } from './norms.js'

/** Sizes of a decoder. */
export interface Transformer {
  readonly layers: number
  readonly width: number
  readonly heads: number
  readonly vocabulary: number
  /** Longest sequence: rows of the position table. */
  readonly context: number
  /** Share dropped after the embedding and after each half of a block, while training. */
  readonly dropout?: number
}

const table = (key: HostKey, name: string, rows: number, width: number): Record<string, Value> => {
  const draw = key.fold(`${name}.table`).normal([rows, width])
  return { [`${name}.table`]: { ...draw, data: Float32Array.from(draw.data, (z) => 0.02 * z) } }
}

/** Parameters of {@link decode}: tables `tokens`, `places`; blocks `block0`, …; `norm`. No biases in the products. */
export function transformerInit(key: HostKey, { layers, width, vocabulary, context }: Transformer): Record<string, Value> {
  const block = (i: number): Record<string, Value> => {
    const name = `block${i}`
    return {
      ...normInit(`${name}.norm1`, width),
      ...attentionInit(key, `${name}.attn`, width),
      ...normInit(`${name}.norm2`, width),
      [`${name}.up.kernel`]: kernel(key.fold(`${name}.up.kernel`), [width, 4 * width], 'lecun'),
      [`${name}.down.kernel`]: kernel(key.fold(`${name}.down.kernel`), [4 * width, width], 'lecun'),
    }
  }
  const blocks = Array.from({ length: layers }, (_, i) => block(i))
  const ends = { ...table(key, 'tokens', vocabulary, width), ...table(key, 'places', context, width), ...normInit('norm', width) }
  return Object.assign(ends, ...blocks) as Record<string, Value>
}

/**
 * A decoder of the GPT-2 kind, Radford et al. 2019: ids int32 [n, t] → logits of the next token [n, t, V], by causal attention and
 * two-layer networks of width 4 d with GELU, normalised before each half, and a head tied to the token table.
 */
export function decode(vars: Variables, ids: Tensor, call: Call, model: Transformer): Tensor {
  const [n, t] = ids.shape as [number, number]
  const drop = (name: string, h: Tensor): Tensor => dropout(name, h, model.dropout ?? 0, call)
  const places = variable(vars, 'places.table').slice([0, 0], [t, model.width])
  let h = drop('embedding', embedding(vars, 'tokens', ids, call).add(places))
  for (let i = 0; i < model.layers; i++) {
    const name = `block${i}`
    const mixed = attention(vars, `${name}.attn`, layerNorm(vars, `${name}.norm1`, h, call), call, { heads: model.heads, causal: true })
    h = h.add(drop(`${name}.attn`, mixed))
    const wide = geluTanh(dense(vars, `${name}.up`, layerNorm(vars, `${name}.norm2`, h, call), call))
    h = h.add(drop(`${name}.down`, dense(vars, `${name}.down`, wide, call)))
  }
  const rows = call.at('head.in', layerNorm(vars, 'norm', h, call).reshape([n * t, model.width]))
  const logits = tf.matMul(rows, variable(vars, 'tokens.table'), false, true)
  return call.at('head.out', logits).reshape([n, t, model.vocabulary])
}

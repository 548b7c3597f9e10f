import type { HostKey, Value } from 'ockham'
import { kernel } from '../networks/index.js'
import type { Sizes } from './sizes.js'

/** Layers of block `i` and the shapes of their kernels, [in, out]. */
export function blockKernels(i: number, s: Sizes): Record<string, readonly [number, number]> {
  const name = `block${i}`
  const shared = (s.width / s.heads) * s.keyValueHeads
  return {
    [`${name}.attn.q`]: [s.width, s.width],
    [`${name}.attn.k`]: [s.width, shared],
    [`${name}.attn.v`]: [s.width, shared],
    [`${name}.attn.o`]: [s.width, s.width],
    [`${name}.up`]: [s.width, s.feedForward],
    ...(s.activation === 'swiglu' && { [`${name}.gate`]: [s.width, s.feedForward] as const }),
    [`${name}.down`]: [s.feedForward, s.width],
  }
}

/** Names of the norms: two a block, one at the end. */
export const norms = (s: Sizes): string[] => [
  ...Array.from({ length: s.layers }, (_, i) => [`block${i}.norm1`, `block${i}.norm2`]).flat(),
  'norm',
]

/** Names and shapes of a decoder's variables: see {@link decoderInit}. */
export function decoderShapes(s: Sizes): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = { 'tokens.table': [s.vocabulary, s.width] }
  if (s.positions === 'learned') shapes['places.table'] = [s.context, s.width]
  for (let i = 0; i < s.layers; i++)
    for (const [name, shape] of Object.entries(blockKernels(i, s))) {
      shapes[`${name}.kernel`] = shape
      if (s.bias) shapes[`${name}.bias`] = [shape[1]]
    }
  for (const name of norms(s)) {
    shapes[`${name}.scale`] = [s.width]
    if (s.norm === 'layer') shapes[`${name}.shift`] = [s.width]
  }
  if (!s.tied) shapes['head.kernel'] = [s.width, s.vocabulary]
  return shapes
}

const scaled = (value: Value, by: number): Value => ({ ...value, data: (value.data as Float32Array).map((z) => z * by) })

const filled = (shape: readonly number[], x: number): Value => ({
  shape,
  dtype: 'float32',
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(x),
})

/**
 * Variables of a decoder: tables `tokens`, and `places` where positions are learnt; blocks `block0`, …; `norm`; `head` where it is not tied.
 * Tables are normal with standard deviation 0.02, kernels with variance 1 / fan-in; the two that write into the stream of a block (`attn.o` and
 * `down`) are smaller by √(2 layers), as in GPT-2.
 */
export function decoderInit(key: HostKey, s: Sizes): Record<string, Value> {
  const start = (name: string, shape: readonly number[]): Value => {
    if (name.endsWith('.table')) return scaled(key.fold(name).normal(shape), 0.02)
    if (!name.endsWith('.kernel')) return filled(shape, name.endsWith('.scale') ? 1 : 0)
    const draw = kernel(key.fold(name), shape, 'lecun')
    return /\.(attn\.o|down)\.kernel$/.test(name) ? scaled(draw, 1 / Math.sqrt(2 * s.layers)) : draw
  }
  return Object.fromEntries(Object.entries(decoderShapes(s)).map(([name, shape]) => [name, start(name, shape)]))
}

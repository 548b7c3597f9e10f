import type { Value, Values } from 'ockham'
import { value } from './trees.js'

/** Layers of a model in its order: dense kernels [in, out], or convolutions [h, w, in, out]. */
interface Layer {
  readonly name: string
  readonly kernel: readonly number[]
  readonly bias: boolean
}

const [kernelOf, biasOf] = [(name: string) => `${name}.kernel`, (name: string) => `${name}.bias`]

/** The model's layers, or undefined where it has variables of another sort, such as norms. */
function layersOf(wanted: Values): Layer[] | undefined {
  const names = Object.keys(wanted).flatMap((n) => (n.endsWith('.kernel') ? [n.slice(0, -'.kernel'.length)] : []))
  const known = new Set(names.flatMap((n) => [kernelOf(n), biasOf(n)]))
  if (Object.keys(wanted).some((n) => !known.has(n))) return undefined
  return names.map((name) => ({ name, kernel: wanted[kernelOf(name)]!.shape, bias: biasOf(name) in wanted }))
}

/** The shape of PyTorch's weight of a layer: [out, in], [out, in, h, w]. */
const weightShape = (kernel: readonly number[]): number[] =>
  kernel.length === 2 ? [kernel[1]!, kernel[0]!] : [kernel[3]!, kernel[2]!, kernel[0]!, kernel[1]!]

/** A kernel [window, in, out] of a weight [out, in, window]; inputs that were flattened channel by channel stand pixel by pixel. */
function turned(weight: Value, kernel: readonly number[], channels: number): Value {
  const outputs = kernel.at(-1)!
  const inputs = kernel.at(-2)!
  const window = kernel.length === 4 ? kernel[0]! * kernel[1]! : 1
  const places = window === 1 ? inputs / channels : 1
  const out = new Float32Array(weight.data.length)
  for (let w = 0; w < window; w++)
    for (let i = 0; i < inputs; i++) {
      const from = places > 1 ? (i % channels) * places + Math.floor(i / channels) : i
      for (let o = 0; o < outputs; o++) out[(w * inputs + i) * outputs + o] = weight.data[(o * inputs + from) * window + w]!
    }
  return value(out, [...kernel])
}

const natural = new Intl.Collator('en', { numeric: true })

/**
 * Weights of a PyTorch state dict under a model's names: `weight` [out, in] or [out, in, h, w], and `bias`, of linear layers and convolutions only.
 * Layers are taken in the order of their names, numbers by their size, where that order fits all shapes. `channels` are those of the images that are
 * given. Undefined where the names are not PyTorch's, or something does not fit.
 */
export function fromPyTorch(wanted: Values, found: Values, channels: number): Values | undefined {
  const weights = Object.keys(found).filter((n) => n.endsWith('.weight'))
  const stems = weights.map((n) => n.slice(0, -'.weight'.length)).sort((a, b) => natural.compare(a, b))
  const layers = layersOf(wanted)
  const biases = layers?.filter(({ bias }) => bias).length ?? 0
  if (!layers || stems.length !== layers.length || Object.keys(found).length !== stems.length + biases) return undefined
  const out: Record<string, Value> = {}
  let [last, flat] = [channels, false]
  for (const [i, { name, kernel, bias }] of layers.entries()) {
    const [weight, shift] = [found[`${stems[i]!}.weight`]!, found[`${stems[i]!}.bias`]]
    if (weight.shape.join() !== weightShape(kernel).join() || bias !== (shift !== undefined)) return undefined
    if (shift && shift.data.length !== kernel.at(-1)) return undefined
    // Only the first dense layer sees what was an image.
    const images = kernel.length === 2 && !flat && kernel[0]! % last === 0
    out[kernelOf(name)] = turned(weight, kernel, images ? last : kernel.at(-2)!)
    if (shift) out[biasOf(name)] = value(Float32Array.from(shift.data), [shift.data.length])
    ;[last, flat] = [kernel.at(-1)!, kernel.length === 2]
  }
  return out
}

import type { Tensor } from 'ockham/tensor'
import { channelsFirst, type Held } from './at.js'
import { quoted, refusal } from './faults.js'
import type { Declared } from './read.js'

/** How the network in the file wants images. Datasets give them with channels last. */
export type Layout = 'auto' | 'channels-first' | 'channels-last'

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
const fits = (declared: readonly number[], shape: readonly number[]): boolean =>
  declared.length === shape.length && declared.every((d, i) => d === -1 || d === shape[i])

/** What happens to a dataset's examples before the network sees them. */
type Edge = 'as-is' | 'image' | 'channels-first' | 'flat-first' | 'flat' | { readonly shape: readonly number[] }

function edgeOf(example: readonly number[], declared: readonly number[] | undefined, layout: Layout): Edge | undefined {
  const wanted = declared?.slice(1) ?? example.map(() => -1)
  const [h, w, c = 1] = example as [number, number, number?]
  const pictures = example.length === 3 || example.length === 2
  if (wanted.length === 3 && pictures) {
    if (layout !== 'channels-last' && fits(wanted, [c, h, w])) return 'channels-first'
    if (layout !== 'channels-first' && fits(wanted, [h, w, c])) return 'image'
    return undefined
  }
  if (fits(wanted, example)) return 'as-is'
  if (wanted.length === 1 && fits(wanted, [product(example)]))
    return example.length === 3 && layout !== 'channels-last' ? 'flat-first' : 'flat'
  return example.length === 1 && !wanted.includes(-1) && product(wanted) === example[0] ? { shape: wanted } : undefined
}

/** Examples of this shape as the network's input. Throws `OCK-ONNX-007` where they do not fit. */
function checked(example: readonly number[], input: Declared, layout: Layout, file: string): Edge {
  const edge = edgeOf(example, input.shape, layout)
  if (edge) return edge
  const said = input.shape!.map((d) => (d === -1 ? 'any' : d)).join(', ')
  const remedy = layout === 'auto' ? 'choose a dataset of these sizes' : 'choose a dataset of these sizes, or layout auto'
  throw refusal(7, `the network's input ${quoted(input.name)} is [${said}], and an example is [${example}]`, file, remedy)
}

/** Whether a dataset's examples fit the network's input. */
export const checkInput = (example: readonly number[], input: Declared, layout: Layout, file: string): void =>
  void checked(example, input, layout, file)

/** A batch of a dataset as the network's input. */
export function fed(given: Tensor, input: Declared, layout: Layout, file: string): Held {
  const x = given.dtype === 'float32' || input.whole ? given : given.cast('float32')
  const edge = checked(x.shape.slice(1), input, layout, file)
  const plain = (tensor: Tensor): Held => ({ tensor, last: false, known: false })
  const images = (): Tensor => (x.rank === 3 ? x.expandDims(3) : x)
  const rows = x.shape[0]
  if (typeof edge === 'object') return plain(x.reshape([rows, ...edge.shape]))
  switch (edge) {
    case 'channels-first':
      return { tensor: images(), last: true, known: false }
    case 'image':
      return plain(images())
    case 'flat-first':
      return plain(channelsFirst(x).reshape([rows, -1]))
    case 'flat':
      return plain(x.reshape([rows, -1]))
    case 'as-is':
      return plain(x)
  }
}

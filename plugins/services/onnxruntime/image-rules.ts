import { sizeOf, slotOf } from '../engine/graph.js'
import type { Ref } from '../engine/graph.js'
import { made } from './made.js'
import { alike, bothWays, self, shapeOf } from './rules.js'
import type { Rule, Site } from './rules.js'

/** A convolution that only the addition of a number a channel reads. */
const convolutionBias: Rule = ({ node, uses }) => {
  if (node.op !== 'Add') return undefined
  for (const [product, row] of bothWays(node)) {
    const { op, inputs, attrs, outputs } = product.node
    const channels = outputs[product.index]!.shape.at(-1)
    const isRow = shapeOf(row).at(-1) === channels && sizeOf(shapeOf(row)) === channels && shapeOf(row).length <= 4
    if (op === 'Conv2D' && isRow && uses(product) === 1 && alike(node, product, row)) {
      return made(node, { op: 'ort.Conv2D', inputs: [...inputs, row], attrs })
    }
  }
  return undefined
}

/** The convolution alone, where nothing but pooling and its gradient looks at the sum with the bias; and the bias. */
function unbiased(x: Ref, { readers }: Site): { readonly plain: Ref; readonly bias: Ref } | undefined {
  if (x.node.op !== 'ort.Conv2D' || readers(x).some((by) => by?.op !== 'MaxPool' && by?.op !== 'MaxPoolGrad')) return undefined
  const [images, filter, bias] = x.node.inputs as [Ref, Ref, Ref]
  return { plain: self(made(x.node, { op: 'Conv2D', inputs: [images, filter] })), bias }
}

/** The bias goes on after pooling, to fewer numbers: adding it keeps the order of the others, to the last bit. */
const pooledBias: Rule = (site) => {
  const { node, fresh } = site
  const found = node.op === 'MaxPool' ? unbiased(node.inputs[0]!, site) : undefined
  if (!found) return undefined
  const pooled = made(node, { inputs: [found.plain] }, fresh())
  return made(node, { op: 'Add', inputs: [self(pooled), found.bias], attrs: {} })
}

/** Then the gradient of pooling compares without the bias too. */
const unbiasedPoolGrad: Rule = (site) => {
  const { node } = site
  if (node.op !== 'MaxPoolGrad') return undefined
  const [dy, x, y] = node.inputs as [Ref, Ref, Ref]
  const found = unbiased(x, site)
  const pooled = y.node.op === 'Add' ? y.node.inputs[0] : undefined
  if (!found || pooled?.node.op !== 'MaxPool') return undefined
  const same = pooled.node.inputs[0]!.node
  if (same.op !== 'Conv2D' || same.id !== x.node.id) return undefined
  return made(node, { inputs: [dy, self(same), pooled] })
}

/** Max pooling hands each number of dy to one pixel of its channel: sums by channel are those of dy. */
const sumOfPoolGrad: Rule = ({ node }) => {
  const x = node.inputs[0]
  if (node.op !== 'Sum' || x?.node.op !== 'MaxPoolGrad') return undefined
  const axes = [...(node.attrs['axis'] as readonly number[])].sort((a, b) => a - b)
  const dy = x.node.inputs[0]!
  return axes.join() === '0,1,2' && slotOf(dy).dtype === 'float32' ? made(node, { inputs: [dy] }) : undefined
}

/** How graphs of convolutional networks are rewritten. */
export const imageRules: readonly Rule[] = [convolutionBias, pooledBias, unbiasedPoolGrad, sumOfPoolGrad]

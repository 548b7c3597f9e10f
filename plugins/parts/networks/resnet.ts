import type { Call, HostKey, Model, Value, Variables } from 'ockham'
import { z } from 'zod'
import type { Tensor } from 'ockham/tensor'
import { batchNorm, batchNormInit } from './batch-norm.js'
import { conv, convInit, globalPool } from './conv.js'
import { dense } from './dense.js'
import { denseInit } from './init.js'
import { groupNorm, normInit } from './norms.js'
import { asImages, imageShape } from './pictures.js'
import { outputSize } from './sizes.js'

export const resnetOptions = z.strictObject({
  depth: z.literal([18, 20]).default(18).describe('18: four stages of two blocks; 20: three stages of three blocks'),
  width: z
    .int()
    .positive()
    .optional()
    .describe('channels of the first stage, doubled with each; 64 for depth 18 and 16 for depth 20 where left out'),
  shortcut: z
    .enum(['batch-norm', 'bias'])
    .default('batch-norm')
    .describe('what follows the 1 × 1 convolution on a shortcut that changes shape: the norm, or a bias alone'),
  norm: z
    .enum(['batch', 'frozen', 'group'])
    .default('batch')
    .describe('batch norm; batch norm with its running moments in training too, which then stay; or group norm, 16 channels a group'),
  init: z
    .enum(['he', 'lecun', 'glorot', 'small-uniform'])
    .default('he')
    .describe('scale of convolution kernels at the start; small-uniform: uniform with variance 1 / (20 fan-in)'),
})

type Options = z.output<typeof resnetOptions>

/** A basic block: two 3 × 3 convolutions beside a shortcut. */
interface Block {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly stride: number
}

function blocksOf({ depth, width }: Options): readonly Block[] {
  const [stages, each, first] = depth === 18 ? [4, 2, width ?? 64] : [3, 3, width ?? 16]
  return Array.from({ length: stages * each }, (_, i) => {
    const [stage, place] = [Math.floor(i / each), i % each]
    const to = first * 2 ** stage
    const enters = place === 0 && stage > 0
    return { name: `stage${stage}.block${place}`, from: enters ? to / 2 : to, to, stride: enters ? 2 : 1 }
  })
}

const reshapes = ({ from, to, stride }: Block): boolean => from !== to || stride !== 1

interface Start {
  readonly params: Record<string, Value>
  readonly state: Record<string, Value>
}

type Norm = Options['norm']

/** Equal groups of about 16 channels, of which Wu and He 2018 find many sizes near to serve alike. */
function groupsOf(channels: number): number {
  let groups = Math.max(1, Math.floor(channels / 16))
  while (channels % groups !== 0) groups--
  return groups
}

/** A convolution without bias, `<name>.kernel`, and its norm, `<name>.norm.*`. */
const convNormInit = (key: HostKey, name: string, size: number, channels: readonly [number, number], { init, norm }: Options): Start => {
  const made = norm === 'group' ? { params: normInit(`${name}.norm`, channels[1]), state: {} } : batchNormInit(`${name}.norm`, channels[1])
  return { params: { ...convInit(key, name, size, channels, init, false), ...made.params }, state: made.state }
}

const normalise = (vars: Variables, name: string, x: Tensor, call: Call, norm: Norm): Tensor =>
  norm === 'group'
    ? groupNorm(vars, name, x, groupsOf(x.shape.at(-1)!), call)
    : batchNorm(vars, name, x, call, norm === 'frozen' ? 'running' : call.statistics)

const convNorm = (vars: Variables, name: string, x: Tensor, call: Call, [stride, pad]: readonly [number, number], norm: Norm): Tensor =>
  normalise(vars, `${name}.norm`, conv(vars, name, x, call, { strides: stride, pad }), call, norm)

function blockInit(key: HostKey, block: Block, options: Options): readonly Start[] {
  const { name, from, to } = block
  const main = [convNormInit(key, `${name}.conv0`, 3, [from, to], options), convNormInit(key, `${name}.conv1`, 3, [to, to], options)]
  if (!reshapes(block)) return main
  const side = `${name}.shortcut`
  const plain = (): Start => ({ params: convInit(key, side, 1, [from, to], options.init, true), state: {} })
  return [...main, options.shortcut === 'bias' ? plain() : convNormInit(key, side, 1, [from, to], options)]
}

function applyBlock(vars: Variables, block: Block, x: Tensor, call: Call, { shortcut, norm }: Options): Tensor {
  const { name, stride } = block
  const inner = convNorm(vars, `${name}.conv0`, x, call, [stride, 1], norm).relu()
  const y = convNorm(vars, `${name}.conv1`, inner, call, [1, 1], norm)
  const side = (): Tensor =>
    shortcut === 'bias'
      ? conv(vars, `${name}.shortcut`, x, call, { strides: stride, pad: 0 })
      : convNorm(vars, `${name}.shortcut`, x, call, [stride, 0], norm)
  return y.add(reshapes(block) ? side() : x).relu()
}

/**
 * A residual network with basic blocks (He et al. 2016) for small images: 3 × 3 stem `stem` without pooling, stages that halve the image and double
 * the channels, average over positions, `head`. Images [n, h, w, c]; the output is [n, C] logits or [n, D] means.
 */
export const resnet = (options: Options): Model => {
  const blocks = blocksOf(options)
  return {
    init(key, meta) {
      const depth = imageShape(meta)[2]
      const stem = convNormInit(key, 'stem', 3, [depth, blocks[0]!.from], options)
      const parts = [stem, ...blocks.flatMap((block) => blockInit(key, block, options))]
      const head = denseInit(key, 'head', blocks.at(-1)!.to, outputSize(meta), 'lecun')
      const merged = (of: (s: Start) => Record<string, Value>): Record<string, Value> =>
        Object.fromEntries(parts.flatMap((p) => Object.entries(of(p))))
      return { params: { ...merged((p) => p.params), ...head }, frozen: {}, state: merged((p) => p.state) }
    },
    apply(vars, x, call) {
      let h = convNorm(vars, 'stem', asImages(x), call, [1, 1], options.norm).relu()
      for (const block of blocks) h = applyBlock(vars, block, h, call, options)
      return dense(vars, 'head', globalPool(h), call)
    },
  }
}

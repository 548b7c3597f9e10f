import { InputError, type Call, type HostKey, type Model, type Value, type Variables } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { isDecoder, origins, type Sizes } from '../gpt/index.js'
import { dropout, publishedIn, uniformKernel, variable } from '../networks/index.js'
import { encodePeft, isLlama, peftFiles } from './peft.js'

export interface LoraOptions {
  /** Layers that are adapted: their names, or the ends of them (`attn.q`); `linear` is every dense layer but the head. */
  readonly targets: readonly string[] | 'linear'
  readonly rank: number
  /** What the product is multiplied by, times the rank. */
  readonly alpha: number
  /** Share of an adapted layer's inputs dropped on their way to its product, while training. */
  readonly dropout: number
}

/** A layer with a kernel [in, out]. */
export interface Layer {
  readonly name: string
  readonly inputs: number
  readonly outputs: number
}

const suffix = '.kernel'

/** Dense layers of a model by its variables; a head tied to the token table is one, with the table's transpose as its kernel. */
export function denseLayers({ params, frozen }: Variables<Value>): Layer[] {
  const all: Readonly<Record<string, Value>> = { ...frozen, ...params }
  const layers = Object.entries(all).flatMap(([name, { shape }]) =>
    name.endsWith(suffix) && shape.length === 2 ? [{ name: name.slice(0, -suffix.length), inputs: shape[0]!, outputs: shape[1]! }] : [],
  )
  const tokens = all['tokens.table']
  const tied = tokens !== undefined && !layers.some(({ name }) => name === 'head')
  return tied ? [...layers, { name: 'head', inputs: tokens.shape[1]!, outputs: tokens.shape[0]! }] : layers
}

const meant = (layer: string, target: string): boolean => layer === target || layer.endsWith(`.${target}`)

/** Whether targets mean a layer. */
const targeted = (layer: string, targets: LoraOptions['targets']): boolean =>
  targets === 'linear' ? layer !== 'head' : targets.some((target) => meant(layer, target))

/** The layers that targets mean. Throws `OCK-LORA-001` for targets that mean none, naming the layers there are. */
export function adapted(layers: readonly Layer[], targets: LoraOptions['targets']): Layer[] {
  const lost = targets === 'linear' ? [] : targets.filter((target) => !layers.some(({ name }) => meant(name, target)))
  if (lost.length > 0) {
    const ends = [...new Set(layers.map(({ name }) => name.replace(/^.*?\d+\./, '')))]
    throw new InputError(
      lost.map((target) => ({
        code: 'OCK-LORA-001',
        what: `no dense layer is called ${target}`,
        where: 'model.targets',
        remedy: `the model has ${ends.slice(0, 20).join(', ')}${ends.length > 20 ? ', …' : ''}`,
      })),
    )
  }
  return layers.filter(({ name }) => targeted(name, targets))
}

/** `<layer>.lora.a` [in, r], uniform with variance 1 / (3 in), and `<layer>.lora.b` [r, out] of zeros: the model starts as its base. */
export function loraInit(key: HostKey, layers: readonly Layer[], rank: number): Record<string, Value> {
  return Object.fromEntries(
    layers.flatMap(({ name, inputs, outputs }) => [
      [`${name}.lora.a`, uniformKernel(key.fold(`${name}.lora.a`), [inputs, rank], 1 / (3 * inputs))],
      [`${name}.lora.b`, { shape: [rank, outputs], dtype: 'float32' as const, data: new Float32Array(rank * outputs) }],
    ]),
  )
}

/** The call of the base, in which each adapted layer's output gains (α / r) (drop(x) A) B, x being its input. */
function adapting(vars: Variables, call: Call, { targets, rank, alpha, dropout: share }: LoraOptions): Call {
  const inputs = new Map<string, Tensor>()
  return {
    ...call,
    at(point, h) {
      const end = point.lastIndexOf('.')
      const [layer, side] = [point.slice(0, end), point.slice(end)]
      const a = targeted(layer, targets) ? (vars.params[`${layer}.lora.a`] ?? vars.frozen[`${layer}.lora.a`]) : undefined
      if (!a || side !== '.out') {
        const seen = call.at(point, h)
        if (a && side === '.in') inputs.set(layer, seen)
        return seen
      }
      const x = dropout(`${layer}.lora`, inputs.get(layer)!, share, call)
      const low = x
        .reshape([-1, a.shape[0]])
        .matMul(a)
        .mul(alpha / rank)
      return call.at(point, h.add(low.matMul(variable(vars, `${layer}.lora.b`)).reshape(h.shape)))
    },
  }
}

/** Whether a decoder has nothing beside its own weights: PEFT's files of an adapter say nothing of prompts, prefixes or other adapters below it. */
function plain(frozen: Variables<Value>['frozen'], sizes: Sizes): boolean {
  const known = origins('llama', sizes)
  return Object.keys(frozen).every((name) => name in known)
}

/**
 * Low-rank adaptation, Hu et al. 2022, equation 3: every targeted layer computes W x + (α / r) B A x with A and B learnt, and everything of the
 * base is frozen. The products are made beside the base's layers, so that no step forms, copies or differentiates W.
 * A and B are parameters `<layer>.lora.a` [in, r] and `<layer>.lora.b` [r, out]. Over a plain decoder of the LLaMA family a run also writes them as
 * PEFT's two files.
 */
export const lora = (base: Model, options: LoraOptions): Model => ({
  ...(isDecoder(base) && { sizes: base.sizes.bind(base) }),
  async init(key, meta) {
    const { params, frozen, state } = await base.init(key.fold('base'), meta)
    const all = { ...frozen, ...params }
    const layers = adapted(denseLayers({ params, frozen, state }), options.targets)
    const twice = layers.filter(({ name }) => `${name}.lora.a` in all).map(({ name }) => name)
    if (twice.length > 0)
      throw new InputError({
        code: 'OCK-LORA-005',
        what: `adapted already: ${twice.slice(0, 5).join(', ')}${twice.length > 5 ? ', …' : ''}`,
        where: 'model.targets',
        remedy: 'merge the adapters there are, raise their rank, or adapt other layers',
      })
    return { params: loraInit(key, layers, options.rank), frozen: all, state }
  },
  files({ params, frozen }, meta) {
    const sizes = isDecoder(base) ? base.sizes(meta) : undefined
    if (!sizes || !isLlama(sizes) || !plain(frozen, sizes)) return {}
    const table = frozen['tokens.table']
    const { weights, config } = encodePeft(params, sizes, options, (table && publishedIn(table)?.path) ?? '')
    return { [peftFiles.weights]: weights, [peftFiles.config]: config }
  },
  apply: (vars, x, call) => base.apply(vars, x, adapting(vars, call, options)),
})

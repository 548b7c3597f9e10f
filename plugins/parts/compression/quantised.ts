import { createHash } from 'node:crypto'
import type { Engine, HostKey, Inference, Message, Model, Optimizer, Posterior, Problem, Value, Values, Variables } from 'ockham'
import { InputError, slot } from 'ockham'
import { z } from 'zod'
import { parametric } from '../networks/index.js'
import { adam, adamOptions, descend, flatten, fromWeights, map, pointMass, stepsPerEpoch, unflatten, value } from '../training/index.js'
import { coded, codebookName } from './coded.js'
import { asHalves, readMessage, writeMessage, type Layout } from './message.js'
import { quantisers } from './quantiser.js'
import { assign } from './quantiser.js'
import { byName, isWrapper } from './subspace.js'

export const quantisedOptions = z.strictObject({
  after: slot('inference').describe('what finds the weights that are quantised'),
  levels: z.int().min(2).max(4096).default(5).describe('numbers that a weight can be; odd ones have a level at zero'),
  quantiser: z.enum(['uniform', 'kmeans']).default('kmeans').describe('how the first codebook is found'),
  epochs: z.number().min(0).default(5).describe('passes of quantisation-aware training, of weights and codebook together; 0 for none'),
  batchSize: z.int().positive().default(128).describe('examples a step'),
  optimizer: slot('optimizer').optional().describe('adam at a rate of 0.01 unless given'),
  schedule: z.enum(['constant', 'cosine']).default('cosine').describe('course of the learning rate'),
  state: z
    .enum(['refuse', 'code'])
    .default('refuse')
    .describe('running statistics, which learning changes and the message must say: refuse them, or code each as a half'),
})

export type QuantisedOptions = Omit<z.output<typeof quantisedOptions>, 'after' | 'optimizer'> & {
  readonly after: Inference
  readonly optimizer?: Optimizer | undefined
}

/** An inference that can rebuild what a message stands for without having learnt it. */
export interface Decoding extends Inference {
  decode(bytes: Uint8Array, problem: Problem, key: HostKey): Promise<Posterior>
}

/** What the decoder knows before the message comes: where learning starts, from the key, and how much will be said. */
interface Known {
  readonly start: Variables<Value>
  readonly layout: Layout
}

const sizeOf = (values: Values): number => Object.values(values).reduce((n, { data }) => n + data.length, 0)
const concatenated = (values: Values): Float64Array =>
  Float64Array.from(Object.values(byName(values)).flatMap(({ data }) => Array.from(data)))

/** Numbers put into arrays of the shapes of `like`, by name. */
function filled(like: Values, numbers: ArrayLike<number>): Record<string, Value> {
  let at = 0
  return map(byName(like), ({ shape, data }) => {
    const own = Float32Array.from({ length: data.length }, (_, i) => numbers[at + i]!)
    at += own.length
    return { shape, dtype: 'float32' as const, data: own }
  })
}

/**
 * Weights read through a learnt codebook of a few levels, and the message that says which level each has: after an inference finds
 * weights, they are quantised and trained on with the quantiser inside (straight through), and what is returned is what the message decodes to.
 * The start of the model is drawn from this inference's own key, so that a decoder finds it from the spec.
 * Errors: `OCK-CODE-005` where the model has state, `-006` where learning starts from other weights.
 */
export function quantised(options: QuantisedOptions, { engine }: { readonly engine: Engine }): Decoding {
  const known = async (problem: Problem, key: HostKey): Promise<Known> => {
    refuse(problem)
    const start = await parametric(problem.model).init(key.fold('model'), problem.dataset.meta)
    if (options.state === 'refuse') refuseState(start.state)
    return { start, layout: { dim: sizeOf(start.params), levels: options.levels, plain: sizeOf(start.state) } }
  }
  return {
    async infer(problem, run) {
      const at = await known(problem, run.key)
      const pinned: Problem = { ...problem, model: pinnedAt(parametric(problem.model), at.start) }
      const fit = await run.infer('fit', options.after, pinned)
      const fitted = fit.weights?.point()
      if (!fitted) throw noWeights()
      const { params, state, codebook } = await trained(pinned, fitted, options, run)
      const levels = asHalves(codebook)
      const symbols = assign(concatenated(params), levels)
      return received(problem, engine, at, writeMessage({ symbols, codebook: levels, plain: concatenated(state) }).bytes)
    },
    restore(saved, problem) {
      const { message, ...values } = saved.values
      const start = unflatten(values)
      const layout = { dim: sizeOf(start.params), levels: options.levels, plain: sizeOf(start.state) }
      return received(problem, engine, { start, layout }, Uint8Array.from(message!.data))
    },
    decode: async (bytes, problem, key) => received(problem, engine, await known(problem, key), bytes),
    plan(problem) {
      const steps = stepsOf(options, problem)
      return { ...options.after.plan?.(problem), quantisedSteps: steps }
    },
  }
}

const stepsOf = ({ epochs, batchSize }: QuantisedOptions, { examples }: Problem): number =>
  Math.round(epochs * stepsPerEpoch(examples, Math.min(batchSize, Math.max(1, examples))))

interface Trained {
  readonly params: Values
  readonly state: Values
  readonly codebook: ArrayLike<number>
}

/** Quantisation-aware training from fitted weights; float weights and the codebook at its end. */
async function trained(
  problem: Problem,
  fitted: Variables<Value>,
  options: QuantisedOptions,
  run: Parameters<Inference['infer']>[1],
): Promise<Trained> {
  const { codebook } = quantisers[options.quantiser](concatenated(fitted.params), options.levels)
  const steps = stepsOf(options, problem)
  if (steps === 0) return { params: fitted.params, state: fitted.state, codebook }
  const start = { ...fitted, params: { ...fitted.params, [codebookName]: value(codebook) } }
  const model = pinnedAt(coded(parametric(problem.model)), start)
  const { initial: _, ...rest } = problem
  const { vars } = await descend({ ...rest, model }, run, {
    optimizer: options.optimizer ?? adam(adamOptions.parse({ learningRate: 0.01 })),
    steps,
    size: options.batchSize,
    schedule: { kind: options.schedule, floor: 0, warmup: 0 },
    name: 'quantise',
  })
  const { [codebookName]: levels, ...params } = vars.params
  return { params, state: vars.state, codebook: levels!.data.slice().sort() }
}

/** A model whose start is known. */
const pinnedAt = (model: Model, start: Variables<Value>): Model => ({
  init: () => start,
  apply: (vars, x, call) => model.apply(vars, x, call),
})

/** The posterior that a message stands for: what is evaluated is what was decoded. */
function received(problem: Problem, engine: Engine, known: Known, bytes: Uint8Array): Posterior {
  const { symbols, codebook, plain, bits, lengths } = readMessage(bytes, known.layout)
  const numbers = Float64Array.from({ length: symbols.length }, (_, i) => codebook[symbols[i]!]!)
  const { start } = known
  const vars: Variables<Value> = {
    params: filled(start.params, numbers),
    frozen: start.frozen,
    state: filled(start.state, plain),
  }
  const message: Message = {
    bytes,
    bits,
    lengths,
    side: { start: digestOf(start) },
    decode: (other) => Promise.resolve(received(problem, engine, known, other)),
  }
  const save = () => ({
    kind: 'message',
    values: { ...flatten(start), message: value(bytes, [bytes.length], 'int32') },
    meta: null,
  })
  // Inside a subspace the model's own weights are computed once, on the host, and serve every pass.
  const { model } = problem
  const inner = isWrapper(model)
    ? fromWeights({ ...problem, model: model.of }, engine, pointMass(model.unwrap(vars)))
    : fromWeights(problem, engine, pointMass(vars))
  return fromWeights(problem, engine, pointMass(vars), {
    predict: (x, how) => inner.predict(x, how),
    message,
    save,
  })
}

/** SHA-256 of what the decoder starts from. */
function digestOf(start: Variables<Value>): string {
  const hash = createHash('sha256')
  for (const [name, { shape, data }] of Object.entries(byName(flatten(start)))) {
    hash.update(`${name} [${shape.join()}]`)
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hash.digest('hex')
}

function refuse(problem: Problem): void {
  if (!problem.initial) return
  throw new InputError({
    code: 'OCK-CODE-006',
    what: 'learning starts from other weights, which the message does not say and a decoder would not have',
    where: 'initial',
    remedy: 'leave initial out: the start is drawn from the seed',
  })
}

function refuseState(state: Values): void {
  const names = Object.keys(state)
  if (names.length === 0) return
  throw new InputError({
    code: 'OCK-CODE-005',
    what: `running statistics follow from the data and are not in the message: ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}`,
    where: 'model',
    remedy:
      'freeze them ({ use: subspace, state: freeze }), code them ({ use: quantised, state: code }), or choose a model without batch norm',
  })
}

const noWeights = (): InputError =>
  new InputError({
    code: 'OCK-CODE-007',
    what: 'the inference before it gave no weights to quantise',
    where: 'inference.after',
    remedy: 'quantise after map, or another inference over weights',
  })

import type { Engine, Key, Problem, Step, Tensors, Value, Values, Variables } from 'ockham'
import { hostKey, InputError } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { bind, parametric } from '../../parts/networks/index.js'
import { asBatch, batches, stepsPerEpoch, value } from '../../parts/training/index.js'
import type { Height, Potential } from './phase.js'

/** Parameters as one vector [P], in the order of their names. */
export interface Layout {
  readonly size: number
  vector(params: Values): Float64Array
  params(vector: ArrayLike<number>): Values
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Where each parameter stands in the vector: name, shape, first place. */
function places(params: Values): { name: string; shape: readonly number[]; at: number; size: number }[] {
  let at = 0
  return Object.entries(params).map(([name, { shape }]) => {
    const size = sizeOf(shape)
    at += size
    return { name, shape, at: at - size, size }
  })
}

export function layoutOf(like: Values): Layout {
  const parts = places(like)
  const size = parts.reduce((n, p) => n + p.size, 0)
  return {
    size,
    vector: (params) => Float64Array.from(parts.flatMap(({ name }) => Array.from(params[name]!.data as ArrayLike<number>))),
    params: (vector) =>
      Object.fromEntries(
        parts.map(({ name, shape, at, size: n }) => [
          name,
          value(
            Float32Array.from({ length: n }, (_, i) => vector[at + i]!),
            shape,
          ),
        ]),
      ),
  }
}

/** Refuses terms that draw something anew each step: their sum is not one function of the weights. Throws `OCK-HMC-001`. */
export function refuse({ prior, objective }: Problem): void {
  const drawing = [prior.feed || prior.rows ? 'prior' : '', objective.feed ? 'objective' : ''].filter(Boolean)
  if (drawing.length === 0) return
  throw new InputError(
    drawing.map((where) => ({
      code: 'OCK-HMC-001',
      what: `the ${where} sees other points at every step, so that there is no one energy to follow`,
      where,
      remedy: 'choose a prior over weights such as normal, and an objective of the training data alone',
    })),
  )
}

export interface PotentialOptions {
  /** Rows a pass. */
  readonly size: number
  /** T of exp(−U/T). */
  readonly temperature: number
}

/**
 * U/T and its gradient, U = Σ_n w_n ℓ_n + R over the whole training split, in evaluation mode and without augmentation; passes are added up in float64 on the
 * host. `dispose` frees the program.
 */
export async function potentialOf(
  problem: Problem,
  engine: Engine,
  vars: Variables<Value>,
  { size: given, temperature }: PotentialOptions,
): Promise<{ readonly potential: Potential; readonly layout: Layout; dispose(): void }> {
  const { dataset, objective, prior, examples } = problem
  const model = parametric(problem.model)
  const count = dataset.meta.splits['train'] ?? 0
  if (count === 0)
    throw new InputError({
      code: 'OCK-HMC-004',
      what: 'the dataset has no examples in the split train',
      where: 'dataset',
      remedy: 'check the split names and sizes of the dataset',
    })
  const size = Math.min(given, count)
  const read = batches(dataset, 'train', { size })
  const feeds = await Promise.all(Array.from({ length: stepsPerEpoch(count, size) }, (_, step) => read(step, hostKey(0))))
  const key = hostKey(0).fold('terms')
  const memory = {
    objective: (await objective.init?.(problem, vars, key.fold('objective'))) ?? {},
    prior: (await prior.init?.(problem, vars, key.fold('prior'))) ?? {},
  }
  const parts = places(vars.params)
  const unpacked = (theta: Tensor): Tensors =>
    Object.fromEntries(parts.map(({ name, shape, at, size: n }) => [name, theta.slice([at], [n]).reshape([...shape])]))

  /** Energy of one batch and its share of the prior's, so that all batches sum to U. Traced. */
  const part = (theta: Tensor, feed: Tensors, stream: Key): Scalar => {
    const batch = asBatch(feed)
    const params = unpacked(theta)
    const net = bind(model, { params, frozen: engine.capture(vars.frozen), state: engine.capture(vars.state) }, stream, false)
    const y = net(batch.x)
    const step = (term: 'objective' | 'prior'): Step => ({
      engine,
      net,
      batch,
      x: batch.x,
      y,
      batchRows: batch.weight.shape[0],
      memory: engine.capture(memory[term]),
      feed: {},
      key: stream.fold(term),
      progress: tf.scalar(1),
      examples,
    })
    const { loss, weight = batch.weight } = objective.loss(y, batch, step('objective'))
    const asked = prior.energy(step('prior'))
    const energy = asked instanceof tf.Tensor ? asked : asked.energy
    return loss.mul(weight).sum().add(energy.div(feeds.length)).div<Scalar>(temperature)
  }
  const program = engine.compile((a: { theta: Tensor; feed: Tensors; key: Key }) => {
    const { value: energy, grads } = engine.valueAndGrad((p) => ({ value: part(p['theta']!, a.feed, a.key), aux: {} }), { theta: a.theta })
    return { energy, gradient: grads['theta']! }
  })

  const potential = async (position: Float64Array): Promise<Height> => {
    const theta = value(Float32Array.from(position))
    const gradient = new Float64Array(position.length)
    let energy = 0
    for (const feed of feeds) {
      const found = await program({ theta, feed, key })
      energy += found.energy.data[0]!
      found.gradient.data.forEach((g: number, i: number) => (gradient[i]! += g))
    }
    return { energy, gradient }
  }
  return { potential, layout: layoutOf(vars.params), dispose: () => program.dispose() }
}

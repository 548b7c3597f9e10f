import { Interrupted, type Run, type Values } from 'ockham'
import { inner, vector } from './kernels/kernel.js'

/** A function to be made small, with its gradient. Not finite, or refused, where it has no value. */
export type Objective = (at: Float64Array) => Promise<{ readonly value: number; readonly gradient: Float64Array }>

/** Where a minimisation stands; all of it is saved. */
export interface Descent {
  readonly x: Float64Array
  readonly value: number
  readonly gradient: Float64Array
  /** L-BFGS: steps and differences of gradients, last first. Adam: first and second moments. */
  readonly memory: readonly Float64Array[]
  readonly step: number
  /** Adam: a running average of losses, and products of its decay rates. */
  readonly track: Float64Array
  readonly done: boolean
}

export interface DescentOptions {
  readonly optimizer: 'l-bfgs' | 'adam'
  readonly steps: number
  readonly learningRate: number
  /** Relative decrease of the value below which it ends. */
  readonly tolerance: number
}

const history = 12

/**
 * Most that one parameter may move in a first try. Hyper-parameters are kept by their logarithms and the like: farther jumps leave the
 * valley that the start lies in, for plateaus where a feature counts for everything or nothing.
 */
const reach = 0.5

/** −H g by the two-loop recursion, Nocedal 1980; `pairs` are s, y, s, y, … newest first. */
function direction(gradient: Float64Array, pairs: readonly Float64Array[]): Float64Array {
  const q = gradient.map((g) => -g)
  const alphas: number[] = []
  for (let k = 0; k < pairs.length; k += 2) {
    const [s, y] = [pairs[k]!, pairs[k + 1]!]
    const alpha = inner(s, q) / inner(s, y)
    alphas.push(alpha)
    for (let i = 0; i < q.length; i++) q[i]! -= alpha * y[i]!
  }
  if (pairs.length > 0) {
    const scale = inner(pairs[0]!, pairs[1]!) / inner(pairs[1]!, pairs[1]!)
    for (let i = 0; i < q.length; i++) q[i]! *= scale
  }
  for (let k = pairs.length - 2; k >= 0; k -= 2) {
    const [s, y] = [pairs[k]!, pairs[k + 1]!]
    const beta = inner(y, q) / inner(s, y)
    for (let i = 0; i < q.length; i++) q[i]! += (alphas[k / 2]! - beta) * s[i]!
  }
  return q
}

const moved = (x: Float64Array, t: number, d: Float64Array): Float64Array => x.map((v, i) => v + t * d[i]!)

/** A step that lowers the value enough and turns the slope enough (weak Wolfe), by doubling and bisection: Lewis and Overton 2013. */
async function search(
  f: Objective,
  at: Descent,
  d: Float64Array,
  first: number,
): Promise<Omit<Descent, 'memory' | 'step' | 'track' | 'done'> | undefined> {
  const slope = inner(at.gradient, d)
  let [low, high, t] = [0, Infinity, first]
  let best: Omit<Descent, 'memory' | 'step' | 'track' | 'done'> | undefined
  for (let tries = 0; tries < 25; tries++) {
    const x = moved(at.x, t, d)
    const { value, gradient } = await f(x)
    if (!(value <= at.value + 1e-4 * t * slope)) high = t
    else {
      best = { x, value, gradient }
      if (inner(gradient, d) >= 0.9 * slope) return best
      low = t
    }
    if (high < Infinity && best && high - low < 1e-3 * high) return best
    t = high < Infinity ? (low + high) / 2 : 2 * t
  }
  return best
}

async function stepLbfgs(f: Objective, at: Descent, tolerance: number): Promise<Descent> {
  let d = direction(at.gradient, at.memory)
  if (!(inner(d, at.gradient) < 0)) d = at.gradient.map((g) => -g)
  const size = Math.sqrt(inner(at.gradient, at.gradient))
  if (size < 1e-8) return { ...at, done: true }
  const widest = d.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  const next = await search(f, at, d, Math.min(1, reach / widest, at.memory.length > 0 ? 1 : 1 / size))
  if (!next) return at.memory.length > 0 ? { ...at, memory: [], step: at.step + 1 } : { ...at, done: true }
  const s = moved(next.x, -1, at.x)
  const y = moved(next.gradient, -1, at.gradient)
  const curved = inner(s, y) > 1e-12 * inner(y, y)
  const memory = curved ? [s, y, ...at.memory].slice(0, 2 * history) : at.memory
  const calm = at.value - next.value < tolerance * Math.max(1, Math.abs(next.value))
  // Once may be chance; the count of calm steps is kept in the track.
  const track = Float64Array.of(calm ? (at.track[0] ?? 0) + 1 : 0)
  return { ...next, memory, step: at.step + 1, track, done: track[0]! >= 3 }
}

/** Adam, Kingma and Ba 2015, ended when an exponential window of ten losses stops falling (the rule of the ME-AI authors' code). */
async function stepAdam(f: Objective, at: Descent, { learningRate, tolerance }: DescentOptions): Promise<Descent> {
  const [b1, b2] = [0.9, 0.999]
  const n = at.x.length
  const [m0, v0] = at.memory.length > 0 ? (at.memory as [Float64Array, Float64Array]) : [new Float64Array(n), new Float64Array(n)]
  const m = m0.map((v, i) => b1 * v + (1 - b1) * at.gradient[i]!)
  const v = v0.map((w, i) => b2 * w + (1 - b2) * at.gradient[i]! * at.gradient[i]!)
  const [p1, p2, ...losses] = at.track.length > 0 ? [...at.track] : [1, 1]
  const [c1, c2] = [p1! * b1, p2! * b2]
  const x = at.x.map((w, i) => w - (learningRate * (m[i]! / (1 - c1))) / (Math.sqrt(v[i]! / (1 - c2)) + 1e-8))
  const { value, gradient } = await f(x)
  const window = [...losses, value].slice(-11)
  const average = (some: readonly number[]): number => {
    const weights = some.map((_, i) => Math.exp(-1 + i / (some.length - 1)))
    return inner(weights, some) / weights.reduce((a, b) => a + b)
  }
  const before = window.length > 10 ? average(window.slice(0, 10)) : NaN
  const done = window.length > 10 && (before - average(window.slice(1))) / Math.abs(before) < tolerance
  return { x, value, gradient, memory: [m, v], step: at.step + 1, track: Float64Array.of(c1, c2, ...window), done }
}

const packed = ({ x, value, gradient, memory, step, track, done }: Descent): Values => ({
  x: vector(x),
  gradient: vector(gradient),
  track: vector(track),
  at: vector([value, step, done ? 1 : 0]),
  ...Object.fromEntries(memory.map((v, i) => [`memory.${i}`, vector(v)])),
})

const unpacked = (saved: Values): Descent => {
  const data = (name: string): Float64Array => saved[name]!.data as Float64Array
  const memory: Float64Array[] = []
  while (saved[`memory.${memory.length}`]) memory.push(data(`memory.${memory.length}`))
  const [value, step, done] = data('at') as unknown as [number, number, number]
  return { x: data('x'), gradient: data('gradient'), track: data('track'), memory, value, step, done: done === 1 }
}

/** Steps between two checkpoints. */
const chunk = 50

/**
 * Minimises f from `start`, reporting each step; every 50 steps are a durable stage, so that a kill loses no more than these.
 * Throws `OCK-RUN-003` where the run is interrupted.
 */
export async function minimise(run: Run, name: string, f: Objective, start: Float64Array, options: DescentOptions): Promise<Descent> {
  const first = async (): Promise<Descent> => ({
    x: start,
    ...(await f(start)),
    memory: [],
    step: 0,
    track: new Float64Array(0),
    done: false,
  })
  let at: Descent | undefined
  while (!at || (!at.done && at.step < options.steps)) {
    const from = at
    const until = (from?.step ?? 0) + chunk
    const values = await run.stage(`${name}, to step ${until}`, async (inside) => {
      let now = from ?? (await first())
      while (!now.done && now.step < Math.min(until, options.steps)) {
        if (run.signal.aborted)
          throw new Interrupted({
            code: 'OCK-RUN-003',
            what: 'the run was interrupted',
            where: `${name}, step ${now.step}`,
            remedy: 'ockham resume goes on from its last stage',
          })
        const before = now.step
        now = options.optimizer === 'adam' ? await stepAdam(f, now, options) : await stepLbfgs(f, now, options.tolerance)
        inside.emit({ type: 'step', fold: name, step: before, of: options.steps, values: { loss: now.value } })
        // Leaves the thread to whoever waits: an interrupt above all.
        await new Promise(setImmediate)
      }
      return packed(now)
    })
    at = unpacked(values)
  }
  return at
}

import type { Advance, Engine, HostKey, Model, Problem, Run, Tensors, Value, Values, Variables } from 'ockham'
import { hostKey } from 'ockham'
import { bind, parametric } from '../networks/index.js'
import { asInput, batches } from './batches.js'
import { shuffled, stepsPerEpoch } from './samplers.js'
import { prefix, under, value } from './trees.js'

export interface RefreshOptions {
  /** Examples a pass, 256 by default; no more than there are. */
  readonly size?: number
  /** Passes, one round over the split by default. */
  readonly steps?: number
  /** Split that statistics are of, `train` by default. */
  readonly split?: string
}

/** State after one more batch: moments of batches count by their examples, so that after the last they are means over all. */
const step =
  (model: Model): Advance =>
  (carry, feed, { key }) => {
    const weight = feed['weight']!
    const now = weight.greater(0).cast('float32').sum()
    const seen = carry['seen']!.add(now)
    const vars: Variables = { params: under('params.', carry), frozen: under('frozen.', carry), state: under('state.', carry) }
    const net = bind(model, vars, key, false, { statistics: 'batch', rows: () => weight, share: now.div(seen.maximum(1)) })
    net(asInput(feed))
    const state: Tensors = { ...vars.state, ...net.state() }
    return { carry: { ...carry, ...prefix('state.', state), seen } }
  }

const carryOf = ({ params, frozen, state }: Variables<Value>): Values => ({
  ...prefix('params.', params),
  ...prefix('frozen.', frozen),
  ...prefix('state.', state),
  seen: value([0], []),
})

/** What a refresh reads: batches in an order of their own, augmented as in training. */
function plan({ dataset }: Problem, { size = 256, steps, split = 'train' }: RefreshOptions) {
  const count = dataset.meta.splits[split] ?? 0
  const rows = Math.min(size, count)
  return { steps: steps ?? stepsPerEpoch(count, rows), feed: batches(dataset, split, { size: rows, sampler: shuffled() }) }
}

const hasState = (vars: Variables<Value>): boolean => Object.keys(vars.state).length > 0

/**
 * The running statistics that a model has at other weights, such as an average or a draw (Izmailov et al. 2018, section 3.2): one pass
 * over the training data, moments of batches averaged by their examples, dropout off as in prediction. Padding counts for nothing. A fold of the
 * run named `name`, so each set of weights wants a name of its own. Without state nothing is done.
 */
export async function refresh(
  problem: Problem,
  run: Run,
  vars: Variables<Value>,
  { name = 'refresh', ...options }: RefreshOptions & { readonly name?: string } = {},
): Promise<Variables<Value>> {
  if (!hasState(vars)) return vars
  const { steps, feed } = plan(problem, options)
  const carry = await run.fold(name, { carry: carryOf(vars), steps, feed, step: step(parametric(problem.model)), report: [] })
  return { ...vars, state: under('state.', carry) }
}

/** Statistics of one set of weights after another. */
export interface Refresher {
  (vars: Variables<Value>, key?: HostKey): Promise<Variables<Value>>
  dispose(): void
}

/**
 * {@link refresh} outside a run, for posteriors that draw weights: compiled once for all draws, with nothing kept on disk.
 * The same key gives the same batches.
 */
export function refresher(problem: Problem, engine: Engine, options: RefreshOptions = {}): Refresher {
  const loop = engine.loop(step(parametric(problem.model)))
  const { steps, feed } = plan(problem, options)
  const made = async (vars: Variables<Value>, key: HostKey = hostKey(0)): Promise<Variables<Value>> => {
    if (!hasState(vars)) return vars
    const start = carryOf(vars)
    const { stepsPerCall } = await loop.prepare(start, await feed(0, key))
    let carry = loop.load(start)
    for (let done = 0; done < steps; done += stepsPerCall) {
      const numbers = Array.from({ length: Math.min(stepsPerCall, steps - done) }, (_, i) => done + i)
      const feeds = await Promise.all(numbers.map((i) => feed(i, key)))
      const next = await loop.advance(carry, done, feeds, numbers.map((i) => key.fold('step').fold(i))) // prettier-ignore
      carry = next.carry
    }
    return { ...vars, state: under('state.', await carry.read()) }
  }
  return Object.assign(made, { dispose: () => loop.dispose() })
}

import type { Engine, HostKey, Key, Posterior, Prediction, Tensors, Value, Values } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { mixture } from '../../plugins/parts/training/index.js'

/** A call of a compiled function, as it went. */
interface Call {
  readonly fn: (args: unknown) => unknown
  readonly args: unknown
  readonly result: unknown
}

export interface Watched {
  readonly engine: Engine
  readonly calls: readonly Call[]
}

/** An engine that keeps what compiled functions were called with and gave. */
export function watching(engine: Engine): Watched {
  const calls: Call[] = []
  const compile = ((fn: (args: unknown) => unknown, options?: Parameters<Engine['compile']>[1]) => {
    const program = engine.compile(fn, options)
    const call = async (args: never): Promise<unknown> => {
      const result = await program(args)
      calls.push({ fn, args, result })
      return result
    }
    return Object.defineProperties(call, {
      compiled: { get: () => program.compiled },
      dispose: { value: () => program.dispose() },
    })
  }) as unknown as Engine['compile']
  return { engine: { ...engine, compile }, calls }
}

const isValue = (v: unknown): v is Value => typeof v === 'object' && v !== null && 'shape' in v && 'dtype' in v && 'data' in v
const isKey = (v: unknown): v is HostKey => typeof (v as Partial<HostKey> | null)?.fold === 'function'

/** Whether the rows of `part` are the first rows of `whole`, which may be padded. */
const leads = (whole: unknown, part: Value): boolean =>
  isValue(whole) && whole.shape.slice(1).join() === part.shape.slice(1).join() && part.data.every((x, i) => Object.is(x, whole.data[i]))

/** A tree with its leaves replaced: arrays, keys and numbers. */
function mapped(tree: unknown, leaf: (v: unknown) => unknown): unknown {
  if (isValue(tree) || isKey(tree) || typeof tree !== 'object' || tree === null) return leaf(tree)
  if (Array.isArray(tree)) return tree.map((v) => mapped(v, leaf))
  return Object.fromEntries(Object.entries(tree).map(([name, v]) => [name, mapped(v, leaf)]))
}

/** Leaves by path. What is traced and what it gave may order their fields differently. */
function leavesOf(tree: unknown, path = ''): ReadonlyMap<string, unknown> {
  if (isValue(tree) || isKey(tree) || typeof tree !== 'object' || tree === null) return new Map([[path, tree]])
  return new Map(Object.entries(tree).flatMap(([name, v]) => [...leavesOf(v, `${path}.${name}`)]))
}

type Fields = Readonly<Record<string, Value>>
const fieldsOf = (p: Prediction): Fields =>
  p.kind === 'categorical' ? { probabilities: p.probabilities } : { mean: p.mean, variance: p.variance }

const drawing = (): never => {
  throw new InputError({
    code: 'OCK-EXPORT-003',
    what: 'its predictions draw random numbers for each row, such as the masks of dropout: they are no function of x alone',
    where: 'posterior',
    remedy: 'serve this run by load(run).predict(x)',
  })
}

/** Stands where the file would have to draw. */
const still: Key = { fold: () => still, normal: drawing, uniform: drawing, bernoulli: drawing, integers: drawing, permutation: drawing }

/** The same call with its inputs replaced by traced ones; all else is captured. */
function replayed({ fn, args }: Call, given: Values, x: Tensors, engine: Engine): unknown {
  const names = Object.keys(given)
  return fn(
    mapped(args, (v) => {
      if (typeof v === 'number') return tf.scalar(v)
      if (isKey(v)) return still
      if (!isValue(v)) return v
      const name = names.find((n) => leads(v, given[n]!))
      return name === undefined ? engine.capture(v) : x[name]!
    }),
  )
}

/** Where in a call's result the fields of a prediction are: by their numbers, else by their names. */
function placesOf({ result }: Call, fields: Fields, exact: boolean): ((tree: unknown) => Tensors) | undefined {
  const leaves = leavesOf(result)
  const places = Object.entries(fields).map(([field, v]) => {
    const at = exact ? [...leaves].find(([, leaf]) => leads(leaf, v))?.[0] : `.${field}`
    return [field, at !== undefined && isValue(leaves.get(at)) ? at : undefined] as const
  })
  if (places.some(([, at]) => at === undefined)) return undefined
  return (tree) => {
    const made = leavesOf(tree)
    return Object.fromEntries(places.map(([field, at]) => [field, made.get(at!) as Tensor]))
  }
}

/**
 * What a posterior's `predict` did, as a traced function of its inputs: the one call that gave the prediction, or the mixture of all that gave
 * predictions, each finished as the posterior says. A guess that whoever uses it must check at other inputs; undefined where there is none.
 */
export function retraced(
  watched: Watched,
  x: Values,
  prediction: Prediction,
  finish?: Posterior['finish'],
): ((x: Tensors) => Prediction<Tensor>) | undefined {
  const fields = fieldsOf(prediction)
  const uses = watched.calls.filter(({ args }) =>
    Object.values(x).every((v) => [...leavesOf(args).values()].some((leaf) => leads(leaf, v))),
  )
  const one = (call: Call, exact: boolean): ((x: Tensors) => Prediction<Tensor>) | undefined => {
    const places = placesOf(call, fields, exact)
    return (
      places && ((at) => ({ kind: prediction.kind, ...places(replayed(call, x, at, watched.engine)) }) as unknown as Prediction<Tensor>)
    )
  }
  const direct = finish ? undefined : uses.map((call) => one(call, true)).find((found) => found)
  if (direct) return direct
  const members = uses.map((call) => one(call, false))
  if (members.length === 0 || members.some((m) => !m)) return undefined
  return (at) => mixture(members.map((m) => (finish ? finish(m!(at)) : m!(at))))
}

export const untraceable = (kind: string, where: string): InputError =>
  new InputError({
    code: 'OCK-EXPORT-001',
    what: `a posterior of kind ${kind} predicts on the host, not by a traced function of x`,
    where,
    remedy: 'export a posterior over weights, such as that of map or fseb; or serve this one by load(run).predict(x)',
  })

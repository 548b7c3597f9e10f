import type { Call, Input, Key, Model, Net, Observe, Process, Tensors, Variables } from 'ockham'
import { InputError } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'

/** A model at given variables, and the state that its pass leaves behind. */
export interface BoundNet<X extends Input = Input, Y = Tensor> extends Net<X, Y> {
  /** State variables after the first pass made by this net itself, unchanged ones included. Passes of `with` do not count. */
  state(): Tensors
}

interface Pass<Y> {
  readonly y: Y
  readonly points: Readonly<Record<string, Tensor>>
  readonly state: Tensors
}

/** Narrows a problem's model to a parametric function. Throws `OCK-MODEL-003` for a process. */
export function parametric(model: Model | Process): Model {
  if ('apply' in model) return model
  throw new InputError({
    code: 'OCK-MODEL-003',
    what: 'a parametric model is needed here, but the model is a process',
    where: 'model',
    remedy: 'choose a model such as mlp, or an inference made for processes such as type-two',
  })
}

/** How a net normalises; see {@link Call}. */
export interface Normalising<X extends Input = Input> {
  readonly statistics?: 'batch' | 'running'
  /** Which rows of an input count in the batch's moments [n]; all where it gives nothing. */
  readonly rows?: (x: X) => Tensor | undefined
  readonly share?: Scalar
}

/**
 * The function that `model` is at `vars`, inside a traced function.
 * Calls with the same input object and the same observer share one pass; every pass sees the same `key`, so masks agree.
 */
export function bind<X extends Input, Y>(
  model: Model<X, Y>,
  vars: Variables,
  key: Key,
  train: boolean,
  normalising: Normalising<X> = {},
): BoundNet<X, Y> {
  const passes = new Map<X, Map<Observe | undefined, Pass<Y>>>()
  let first: Pass<Y> | undefined

  const pass = (x: X, at?: Observe): Pass<Y> => {
    const ofInput = passes.get(x) ?? new Map<Observe | undefined, Pass<Y>>()
    passes.set(x, ofInput)
    const made = ofInput.get(at) ?? run(model, vars, x, listener(key, train, normalising, x, at))
    ofInput.set(at, made)
    first ??= made
    return made
  }

  const net = (x: X, options: { readonly at?: Observe } = {}): Y => pass(x, options.at).y
  return Object.assign(net, {
    vars,
    points: (x: X, names: readonly string[], options: { readonly at?: Observe } = {}): Tensors => pick(pass(x, options.at).points, names),
    with(params: Tensors, options: NonNullable<Parameters<Net['with']>[1]> = {}): Net<X, Y> {
      const { statistics: inherited, ...rest } = normalising
      const statistics = options.statistics ?? (options.train === undefined ? inherited : undefined)
      const state = options.state ?? vars.state
      return bind(model, { ...vars, params, state }, key, options.train ?? train, { ...rest, ...(statistics && { statistics }) })
    },
    state: (): Tensors => ({ ...vars.state, ...first?.state }),
  })
}

interface Listener {
  readonly call: Call
  readonly points: Record<string, Tensor>
  readonly state: Record<string, Tensor>
}

/** A call that keeps what the model announces. */
function listener<X extends Input>(
  key: Key,
  train: boolean,
  { statistics, rows, share }: Normalising<X>,
  x: X,
  observe?: Observe,
): Listener {
  const points: Record<string, Tensor> = {}
  const state: Record<string, Tensor> = {}
  const counted = rows?.(x)
  const call: Call = {
    train,
    key,
    ...(statistics && { statistics }),
    ...(counted && { rows: counted }),
    ...(share && { share }),
    at: (point, h) => (points[point] = observe ? observe(point, h) : h),
    next: (name, value) => void (state[name] = value),
  }
  return { call, points, state }
}

const run = <X extends Input, Y>(model: Model<X, Y>, vars: Variables, x: X, { call, points, state }: Listener): Pass<Y> => ({
  y: model.apply(vars, x, call),
  points,
  state,
})

function pick(points: Tensors, names: readonly string[]): Tensors {
  const unknown = names.filter((name) => !points[name])
  if (unknown.length > 0)
    throw new InputError({
      code: 'OCK-MODEL-001',
      what: `the model has no point ${unknown.join(', ')}`,
      where: 'model',
      remedy: `its points are ${Object.keys(points).join(', ') || 'none'}`,
    })
  return Object.fromEntries(names.map((name) => [name, points[name]!]))
}

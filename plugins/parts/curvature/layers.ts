import { hostKey, type Engine, type Key, type Problem, type Tensors, type Value, type Values, type Variables } from 'ockham'
import { bind, parametric } from '../networks/index.js'
import { asInput, flatten, unflatten } from '../training/index.js'
import { geometryOf, largest, type Geometry } from './geometry.js'

/** A layer whose output is its input times a kernel, plus a bias where it has one. */
export interface LinearLayer {
  readonly name: string
  /** Numbers that meet a column of the kernel: inputs of a dense layer, a window of a convolution. */
  readonly inputs: number
  readonly outputs: number
  readonly bias: boolean
  /** Shape of the output of one example, without the row axis. */
  readonly out: readonly number[]
  /** Shape of the kernel, as it is kept. */
  readonly kernel: readonly number[]
  /** Present for a convolution. */
  readonly geometry?: Geometry
}

/** What of a model is linear in its parameters, and why the rest is not. */
export interface Layers {
  /** In the order of the pass: the last is nearest to the output. */
  readonly layers: readonly LinearLayer[]
  /** Parameters that belong to no linear layer, each with the reason. */
  readonly left: Readonly<Record<string, string>>
  /** Whether the last layer's output is the model's own, with nothing after it. */
  readonly last: boolean
}

/** The model's output among the points of a pass; no point has an empty name. */
const end = ''

const same = (a: Value | undefined, b: Value): boolean => {
  if (a?.data.length !== b.data.length) return false
  const most = largest(b)
  return a.data.every((v: number, i: number) => agrees(v, b.data[i]!, most))
}

const agrees = (a: number, b: number, scale: number): boolean => Math.abs(a - b) <= 1e-4 * scale + 1e-6

/** Whether y [.., out] is x [.., in] times the kernel; both without the bias. */
function multiplies(x: Value, kernel: Value, y: Value): boolean {
  const [inputs, outputs] = kernel.shape as [number, number]
  const rows = y.data.length / outputs
  const most = largest(y)
  for (let r = 0; r < rows; r++) {
    const o = r % outputs
    let sum = 0
    for (let i = 0; i < inputs; i++) sum += x.data[r * inputs + i]! * kernel.data[i * outputs + o]!
    if (!agrees(sum, y.data[r * outputs + o]!, most)) return false
  }
  return true
}

const withoutBias = (y: Value, bias: Value | undefined): Value =>
  bias ? { ...y, data: Float32Array.from(y.data, (v, i) => v - bias.data[i % bias.data.length]!) } : y

/** A layer by what its pass shows, or why it is none. */
function recognised(name: string, kernel: Value, bias: Value | undefined, points: Values, times: number): LinearLayer | string {
  const [x, y] = [points[`${name}.in`], points[`${name}.out`]]
  if (!x || !y) return `the model announces no ${x ? '' : `${name}.in`}${x || y ? '' : ' and no '}${y ? '' : `${name}.out`}`
  if (times > 1) return `${name} is used ${times} times in one pass`
  const product = withoutBias(y, bias)
  const [inputs, outputs] = [x.shape.at(-1)!, y.shape.at(-1)!]
  const common = { name, outputs, bias: bias !== undefined, out: y.shape.slice(1), kernel: kernel.shape }
  if (kernel.shape.length === 2) {
    if (kernel.shape[0] !== inputs || kernel.shape[1] !== outputs || !multiplies(x, kernel, product))
      return `${name}.out is not ${name}.in times the kernel`
    return { ...common, inputs }
  }
  if (kernel.shape.length !== 4 || x.shape.length !== 4)
    return `a kernel [${kernel.shape.join(', ')}] on [${x.shape.slice(1).join(', ')}] is neither dense nor a convolution of images`
  if (kernel.shape[2] !== inputs) return `${name} is a convolution in groups`
  const geometry = geometryOf(x, kernel, product)
  if (!geometry) return `${name}.out is not a convolution of ${name}.in with the kernel`
  return { ...common, inputs: kernel.shape[0]! * kernel.shape[1]! * inputs, geometry }
}

/**
 * The linear layers of a model at `vars`, each checked on one example `x`: what a layer announces must be its kernel applied. So a layer that is
 * used twice, tied, normalised or grouped is told apart without code for any.
 */
export async function linearLayers(problem: Problem, engine: Engine, vars: Variables<Value>, x: Values): Promise<Layers> {
  const model = parametric(problem.model)
  const counts: Record<string, number> = {}
  const points = engine.compile((a: { vars: Tensors; x: Tensors; key: Key }) => {
    const seen: Record<string, Tensors[string]> = {}
    const at = (point: string, h: Tensors[string]): Tensors[string] => {
      counts[point] = (counts[point] ?? 0) + 1
      return (seen[point] = h)
    }
    const y = bind(model, unflatten(a.vars), a.key, false)(asInput(a.x), { at })
    return { ...seen, [end]: y }
  })
  const found: Values = await points({ vars: flatten(vars), x, key: hostKey(0) })
  points.dispose()
  const layers: LinearLayer[] = []
  const left: Record<string, string> = {}
  for (const [param, kernel] of Object.entries(vars.params)) {
    if (!param.endsWith('.kernel')) continue
    const name = param.slice(0, -'.kernel'.length)
    const bias = vars.params[`${name}.bias`]
    const layer = recognised(name, kernel, bias ?? vars.frozen[`${name}.bias`], found, counts[`${name}.out`] ?? 0)
    if (typeof layer === 'string') for (const p of [param, ...(bias ? [`${name}.bias`] : [])]) left[p] = layer
    else layers.push({ ...layer, bias: bias !== undefined })
  }
  // Counted while tracing, hence in the order of the pass.
  const order = Object.keys(counts)
  layers.sort((a, b) => order.indexOf(`${a.name}.out`) - order.indexOf(`${b.name}.out`))
  const owned = new Set(layers.flatMap(({ name, bias }) => [`${name}.kernel`, ...(bias ? [`${name}.bias`] : [])]))
  for (const param of Object.keys(vars.params))
    if (!owned.has(param)) left[param] ??= `${param} is not the kernel or the bias of a linear layer`
  const closing = layers.at(-1)
  return { layers, left, last: closing !== undefined && same(found[`${closing.name}.out`], found[end]!) }
}

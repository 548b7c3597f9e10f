import type { Tensors } from 'ockham'
import type { Scalar, Tensor } from './tensor.js'
import { refusal } from './errors.js'
import { kit, type TapeNode } from './kit.js'
import { pushed, type Twice } from './forward/push.js'
import { keeping, severed } from './tape.js'
import { symbols, type Trace } from './trace.js'
import { tf } from './tensor.js'
import { state } from './tracing.js'

/** A forward pass on tfjs' tape: what leads from the parameters to the result. */
interface Pass<R> {
  readonly result: R
  readonly names: readonly string[]
  readonly xs: readonly Tensor[]
  /** The tape, all of it, and what lies between the parameters and `y`. */
  readonly nodes: readonly TapeNode[]
  tape(y: Tensor): TapeNode[]
}

/** Fresh handles on the parameters, so that derivatives are by this use of them alone; they stay tied to an outer tape. */
const handles = (p: Tensors): Tensors => Object.fromEntries(Object.entries(p).map(([name, x]) => [name, tf.clone(x)]))

/** Keeps a tensor until the trace ends; it is a handle, without numbers. */
const keep =
  (trace: Trace) =>
  (t: Tensor): void => {
    if (t.kept) return
    tf.keep(t)
    trace.kept.push(t)
  }

function forward<R>(trace: Trace, fn: (p: Tensors) => R, p: Tensors, walks: 'back' | 'both' = 'back'): Pass<R> {
  const params = handles(p)
  const names = Object.keys(params).filter((name) => params[name]!.dtype === 'float32')
  // tfjs has no public way to keep a tape for a second walk.
  const engine = tf.engine() as unknown as { startTape(): void; endTape(): void }
  engine.startTape()
  const nodes = state().activeTape!
  try {
    const result = walks === 'both' ? keeping(keep(trace), () => fn(params)) : fn(params)
    const xs = names.map((name) => params[name]!)
    const tape = (y: Tensor): TapeNode[] => {
      const broken = severed(nodes, xs, y)
      if (broken) throw undifferentiable([broken], 'a custom gradient (tf.customGrad, tf.losses.softmaxCrossEntropy) has none of its own')
      return kit.getFilteredNodesXToY(nodes, [...xs], y)
    }
    return { result, names, xs, nodes, tape }
  } finally {
    engine.endTape()
    if (state().gradientDepth === 0) {
      // tfjs would free these when the pass has been walked once; here it may be walked again. The trace frees them.
      for (const node of nodes) trace.kept.push(...(node.saved ?? []))
      state().activeTape = null
    }
  }
}

function undifferentiable(nodes: readonly TapeNode[], why: string): Error {
  const lines = nodes.map((n) => `${n.kernelName} at ${symbols.get(n.outputs[0]!.dataId)?.ref.node.line ?? 'an unknown line'}`)
  return refusal('011', `no derivative of ${[...new Set(lines)].join(', ')}: ${why}`, 'use other operations, or engine.stop around it')
}

/** Jᵀdy along a filtered tape, zeros where the result does not depend on a parameter. */
function backward(tape: TapeNode[], y: Tensor, dy: Tensor, names: readonly string[], xs: readonly Tensor[]): Tensors {
  const lost = tape.filter((node) => !node.gradient)
  if (lost.length > 0) throw undifferentiable(lost, 'none is known')
  const gradients: Record<number, Tensor> = { [y.id]: dy }
  kit.backpropagateGradients(
    gradients,
    tape,
    (f) => f(),
    // A fresh handle each, as tfjs disposes what it has added up.
    (a, b) => tf.add(a, b),
  )
  return Object.fromEntries(names.map((name, i) => [name, gradients[xs[i]!.id] ?? tf.zerosLike(xs[i]!)]))
}

export function valueAndGrad<A>(
  trace: Trace,
  fn: (p: Tensors) => { readonly value: Scalar; readonly aux: A },
  p: Tensors,
): { value: Scalar; grads: Tensors; aux: A } {
  const { result, names, xs, tape } = forward(trace, fn, p)
  const { value, aux } = result
  if (value.rank !== 0 || value.dtype !== 'float32') {
    throw refusal('010', `the value to differentiate is ${value.dtype} [${value.shape}], not a float32 scalar`, 'sum it, or take its mean')
  }
  return { value, grads: backward(tape(value), value, tf.onesLike(value), names, xs), aux }
}

export function vjp<A>(
  trace: Trace,
  fn: (p: Tensors) => { readonly y: Tensor; readonly aux: A },
  p: Tensors,
): { y: Tensor; aux: A; pull(dy: Tensor): Tensors; push(v: Tensors): Tensor } {
  const made = forward(trace, fn, p, 'both')
  const { y, aux } = made.result
  const nodes = made.tape(y)
  const pull = (dy: Tensor): Tensors => {
    if (dy.dtype !== 'float32' || !tf.util.arraysEqual(dy.shape, y.shape)) {
      throw refusal('009', `pull is given ${dy.dtype} [${dy.shape}] for a result float32 [${y.shape}]`, 'give the shape of y')
    }
    return backward(nodes, y, tf.clone(dy), made.names, made.xs)
  }
  return { y, aux, pull, push: (v) => push(trace, made, [y], v)[0]! }
}

/** J v of one kernel by its gradient: linear in u, so that where the derivative is taken does not matter. */
const twice =
  (trace: Trace): Twice =>
  (node, d) => {
    if (!node.gradient) throw undifferentiable([node], 'none is known')
    const seeds = Object.fromEntries(node.outputs.flatMap((t, i) => (t.dtype === 'float32' ? [[`${i}`, tf.zeros(t.shape)]] : [])))
    const along = (u: Tensors): Scalar => {
      const gradients = node.gradient!(node.outputs.map((_, i) => u[i]) as Tensor[])
      return tf.addN(Object.entries(d).map(([name, dx]) => tf.sum<Scalar>(tf.mul(gradients[name]!(), dx))))
    }
    const { grads } = valueAndGrad(trace, (u) => ({ value: along(u), aux: undefined }), seeds)
    return node.outputs.map((_, i) => grads[i])
  }

function push(trace: Trace, { names, xs, nodes, tape }: Pass<unknown>, ys: readonly Tensor[], v: Tensors): Tensor[] {
  const changes = new Map<number, Tensor>()
  names.forEach((name, i) => {
    const [x, dx] = [xs[i]!, v[name]]
    if (!dx) return
    if (dx.dtype !== 'float32' || !tf.util.arraysEqual(dx.shape, x.shape)) {
      throw refusal('009', `the direction ${name} is ${dx.dtype} [${dx.shape}] for float32 [${x.shape}]`, 'give the shape of the parameter')
    }
    changes.set(x.id, dx)
  })
  // Asks whether a custom gradient would hide something.
  for (const y of ys) tape(y)
  return pushed(nodes, changes, ys, twice(trace)).map((dy, i) => dy ?? tf.zerosLike(tf.cast(ys[i]!, 'float32')))
}

/** y and J v: one pass, and a walk along it with each kernel's forward rule. */
export function jvp<Y extends Tensor | Tensors>(trace: Trace, fn: (p: Tensors) => Y, p: Tensors, v: Tensors): { y: Y; dy: Y } {
  const pass = forward(trace, fn, p, 'both')
  const y: Tensor | Tensors = pass.result
  if (y instanceof tf.Tensor) return { y: pass.result, dy: push(trace, pass, [y], v)[0]! as Y }
  const [keys, ys] = [Object.keys(y), Object.values(y)]
  const dys = push(trace, pass, ys, v)
  return { y: pass.result, dy: Object.fromEntries(keys.map((name, i) => [name, dys[i]!])) as Y }
}

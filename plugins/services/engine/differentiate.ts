import type { Tensors } from 'ockham'
import type { Scalar, Tensor } from './tensor.js'
import { refusal } from './errors.js'
import { kit, type TapeNode } from './kit.js'
import { severed } from './tape.js'
import { symbols, type Trace } from './trace.js'
import { tf } from './tensor.js'
import { state } from './tracing.js'

/** A forward pass on tfjs' tape: what leads from the parameters to the result. */
interface Pass<R> {
  readonly result: R
  readonly names: readonly string[]
  readonly xs: readonly Tensor[]
  tape(y: Tensor): TapeNode[]
}

/** Fresh handles on the parameters, so that derivatives are by this use of them alone; they stay tied to an outer tape. */
const handles = (p: Tensors): Tensors => Object.fromEntries(Object.entries(p).map(([name, x]) => [name, tf.clone(x)]))

function forward<R>(trace: Trace, fn: (p: Tensors) => R, p: Tensors): Pass<R> {
  const params = handles(p)
  const names = Object.keys(params).filter((name) => params[name]!.dtype === 'float32')
  // tfjs has no public way to keep a tape for a second walk.
  const engine = tf.engine() as unknown as { startTape(): void; endTape(): void }
  engine.startTape()
  const nodes = state().activeTape!
  try {
    const result = fn(params)
    const xs = names.map((name) => params[name]!)
    const tape = (y: Tensor): TapeNode[] => {
      const broken = severed(nodes, xs, y)
      if (broken) throw undifferentiable([broken], 'a custom gradient (tf.customGrad, tf.losses.softmaxCrossEntropy) has none of its own')
      return kit.getFilteredNodesXToY(nodes, [...xs], y)
    }
    return { result, names, xs, tape }
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
): { y: Tensor; aux: A; pull(dy: Tensor): Tensors } {
  const { result, names, xs, tape } = forward(trace, fn, p)
  const { y, aux } = result
  const nodes = tape(y)
  const pull = (dy: Tensor): Tensors => {
    if (dy.dtype !== 'float32' || !tf.util.arraysEqual(dy.shape, y.shape)) {
      throw refusal('009', `pull is given ${dy.dtype} [${dy.shape}] for a result float32 [${y.shape}]`, 'give the shape of y')
    }
    return backward(nodes, y, tf.clone(dy), names, xs)
  }
  return { y, aux, pull }
}

/** J v as the derivative of u ↦ ⟨Jᵀu, v⟩, which is linear in u, so that where it is taken does not matter. */
export function jvp(trace: Trace, fn: (p: Tensors) => Tensor, p: Tensors, v: Tensors): { y: Tensor; dy: Tensor } {
  const { y, pull } = vjp(trace, (q) => ({ y: fn(q), aux: undefined }), p)
  const along = (g: Tensors): Scalar => {
    const terms = Object.keys(v).flatMap((name) => (g[name] ? [tf.sum(tf.mul(g[name], v[name]!))] : []))
    return terms.reduce<Tensor>((a, b) => tf.add(a, b), tf.scalar(0)) as Scalar
  }
  const { grads } = valueAndGrad(trace, ({ u }) => ({ value: along(pull(u!)), aux: undefined }), { u: tf.zeros(y.shape) })
  return { y, dy: grads.u! }
}

import type { Tensor } from '@tensorflow/tfjs-core'
import { kit, type TapeNode } from './kit.js'

interface Taping {
  state: { activeTape: TapeNode[] }
  addTapeNode(kernel: string, inputs: object, outputs: Tensor[], gradient: unknown, saved: Tensor[], attrs: unknown): void
}

/** What a custom gradient keeps of its own inside, by tensor id: for the tape it comes from nowhere. Holds the inputs of the custom operation. */
const inner = new WeakMap<Tensor, readonly Tensor[]>()

export const inputsOf = (node: TapeNode): Tensor[] => Object.values(node.inputs).filter((t) => t != null)

let keeper: ((t: Tensor) => void) | undefined

/** Has `keep` see every tensor that goes onto the tape while `fn` runs: operations of several kernels free what lies between them. */
export function keeping<T>(keep: (t: Tensor) => void, fn: () => T): T {
  const outer = keeper
  keeper = keep
  try {
    return fn()
  } finally {
    keeper = outer
  }
}

/** Where the last node belongs: before the clones of its outputs. */
function placeOfLast(tape: readonly TapeNode[]): number {
  const made = new Set(tape.at(-1)!.outputs.map((t) => t.id))
  let at = tape.length - 1
  while (at > 0 && inputsOf(tape[at - 1]!).some((t) => made.has(t.id))) at--
  return at
}

function markInner(tape: readonly TapeNode[], node: TapeNode): void {
  const known = new Set([...inputsOf(node), ...node.outputs].map((t) => t.id))
  for (const saved of node.saved ?? []) {
    const clone = tape.findLast((n) => n.outputs[0] === saved)
    if (clone && !known.has(inputsOf(clone)[0]!.id)) inner.set(saved, inputsOf(node))
  }
}

/**
 * Mends the order of tfjs' tape, for the whole process. tfjs records the clone of an output that a gradient saves (exp,
 * tanh, sigmoid, softmax, max, …) before the kernel that makes the output, so that a walk in order takes the clone for a
 * constant, and second derivatives come out wrong without a word. Here the kernel goes first.
 */
export function mendTape(): void {
  const engine = kit.tf.engine() as unknown as Taping
  const add = engine.addTapeNode.bind(engine)
  engine.addTapeNode = (kernel, inputs, outputs, gradient, saved, attrs) => {
    add(kernel, inputs, outputs, gradient, saved, attrs)
    const tape = engine.state.activeTape
    const node = tape.at(-1)!
    node.attrs = attrs as NonNullable<TapeNode['attrs']>
    if (keeper) for (const t of [...inputsOf(node), ...node.outputs]) keeper(t)
    if (gradient) markInner(tape, node)
    const at = placeOfLast(tape)
    if (at < tape.length - 1) tape.splice(at, 0, tape.pop()!)
  }
}

/**
 * A node whose derivative by `xs` would be wrong, as it reads what a custom gradient (`tf.customGrad`,
 * `tf.losses.softmaxCrossEntropy`) kept of its own inside. First derivatives never meet one.
 */
export function severed(tape: readonly TapeNode[], xs: readonly Tensor[], y: Tensor): TapeNode | undefined {
  const fromX = new Set(xs.map((t) => t.id))
  for (const node of tape) if (inputsOf(node).some((t) => fromX.has(t.id))) for (const t of node.outputs) fromX.add(t.id)
  const toY = new Set([y.id])
  return tape.findLast((node) => {
    if (!node.outputs.some((t) => toY.has(t.id))) return false
    for (const t of inputsOf(node)) toY.add(t.id)
    return inputsOf(node).some((t) => inner.get(t)?.some((source) => fromX.has(source.id)))
  })
}

import type { TapeNode } from '../kit.js'
import { inputsOf } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { tf } from '../tensor.js'
import { rules, type Called } from './rules.js'

/** J v of one kernel from its gradient alone: the derivative of u ↦ ⟨Jᵀu, v⟩, which is linear in u. */
export type Twice = (node: TapeNode, d: Readonly<Record<string, Tensor>>) => readonly (Tensor | undefined)[]

/** A handle that tfjs made of a tensor for its own use. */
const isClone = ({ inputs, outputs }: TapeNode): boolean =>
  outputs.length === 1 && inputs['x']?.dataId === outputs[0]!.dataId && tf.util.arraysEqual(inputs['x'].shape, outputs[0]!.shape)

/** What leads to `ys`, in order. */
function leading(nodes: readonly TapeNode[], ys: readonly Tensor[]): readonly TapeNode[] {
  const wanted = new Set(ys.map((y) => y.id))
  return nodes
    .toReversed()
    .filter((node) => {
      const leads = node.outputs.some((t) => wanted.has(t.id))
      if (leads) for (const t of inputsOf(node)) wanted.add(t.id)
      return leads
    })
    .toReversed()
}

/**
 * How `ys` change with what `changes` says of the parameters, by id: a walk along the tape with each kernel's rule, and where it has none, twice
 * along its gradient. No change is left out, not carried as zeros.
 */
export function pushed(
  nodes: readonly TapeNode[],
  changes: ReadonlyMap<number, Tensor>,
  ys: readonly Tensor[],
  twice: Twice,
): readonly (Tensor | undefined)[] {
  const d = new Map(changes)
  for (const node of leading(nodes, ys)) {
    const moving = Object.entries(node.inputs).filter(([, t]) => t != null && d.has(t.id))
    if (moving.length === 0 || node.outputs.every((t) => t.dtype !== 'float32')) continue
    const called: Called = {
      node,
      x: Object.fromEntries(Object.entries(node.inputs).filter(([, t]) => t != null)),
      d: Object.fromEntries(moving.map(([name, t]) => [name, d.get(t.id)!])),
      attrs: node.attrs ?? {},
    }
    const changed = change(called, twice)
    node.outputs.forEach((t, i) => void (changed[i] && t.dtype === 'float32' && d.set(t.id, changed[i])))
  }
  return ys.map((y) => d.get(y.id))
}

function change(called: Called, twice: Twice): readonly (Tensor | undefined)[] {
  const { node, d } = called
  if (isClone(node)) return [d['x']]
  const rule = rules[node.kernelName]
  const made = rule ? rule(called) : twice(node, d)
  return Array.isArray(made) ? (made as readonly Tensor[]) : [made as Tensor | undefined]
}

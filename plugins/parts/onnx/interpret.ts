import type { Call, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { At, channelsFirst, type Held, type Result } from './at.js'
import { fed, type Layout } from './edge.js'
import { quoted, refusal } from './faults.js'
import type { Step } from './layers.js'
import { ops } from './ops/index.js'
import type { Plan } from './plan.js'

const heldOf = (result: Tensor | Held, known: boolean): Held => ('tensor' in result ? result : { tensor: result, last: false, known })

/** Results by place, each as it is held. */
const results = (made: Result, known: boolean): readonly Held[] =>
  Array.isArray(made) ? (made as readonly Tensor[]).map((t) => heldOf(t, known)) : [heldOf(made as Tensor | Held, known)]

/** [n, C] of an output that has axes of one behind, or none: [n, C, 1, 1], [n]. */
function flat(y: Tensor): Tensor {
  if (y.rank === 1) return y.expandDims(1)
  return y.rank > 2 && y.shape.slice(2).every((d) => d === 1) ? y.reshape([y.shape[0], y.shape[1]!]) : y
}

/** Runs the network on a batch, inside a traced function. */
export function interpret(plan: Plan, layout: Layout, vars: Variables, x: Tensor, call: Call): Tensor {
  const values = new Map<string, Held>()
  for (const [name, { shape, dtype, data }] of plan.constants)
    values.set(name, { tensor: tf.tensor(data, [...shape], dtype as 'float32'), last: false, known: true })
  for (const [name, variable] of plan.variables) {
    const tensor = vars.params[variable] ?? vars.frozen[variable]
    if (tensor) values.set(name, { tensor, last: false, known: false })
  }
  values.set(plan.input.name, fed(x, plan.input, layout, plan.file))
  const then = plan.input.shape?.[0]
  const around = {
    file: plan.file,
    opset: plan.opset,
    vars,
    call,
    rows: { now: x.shape[0], then: then === -1 ? undefined : then },
  }
  for (const step of plan.steps) {
    const held = step.inputs.map((name) => (name === '' ? undefined : values.get(name)))
    const made = run(new At(step, held, around), step)
    step.outputs.forEach((name, i) => made[i] && values.set(name, made[i]))
  }
  const y = values.get(plan.output.name)!
  return flat(y.last ? channelsFirst(y.tensor) : y.tensor)
}

/** One operation; what tfjs refuses is an error that names the node. */
function run(at: At, step: Step): readonly Held[] {
  const known = at.held.every((h) => h?.known ?? true)
  try {
    return results(ops.get(step.op)!(at), known)
  } catch (cause) {
    if (cause instanceof Error && 'problems' in cause) throw cause
    const shapes = at.held.map((h) => (h ? `[${h.tensor.shape}]` : 'none')).join(', ')
    const what = `${step.op} of ${shapes}: ${cause instanceof Error ? cause.message : String(cause)}`
    throw refusal(4, what, `${at.around.file}, node ${quoted(step.name)}`, 'look at the sizes that the network was exported with')
  }
}

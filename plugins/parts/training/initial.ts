import type { Fault, HostKey, Model, Problem, Value, Variables } from 'ockham'
import { InputError } from 'ockham'
import { fromPyTorch } from './pytorch.js'
import { map } from './trees.js'

/**
 * Where learning starts: fresh variables of the model, or those of `problem.initial`, matched by name whichever of
 * params, frozen and state they come from; or by order, where they are those of a PyTorch state dict. Throws `OCK-TRAIN-002` with every name
 * and shape that does not match, `OCK-TRAIN-003` where the initial posterior has no weights.
 */
export async function initialVariables(problem: Problem, model: Model, key: HostKey): Promise<Variables<Value>> {
  const fresh = await model.init(key, problem.dataset.meta)
  if (!problem.initial) return fresh
  if (!problem.initial.weights)
    throw new InputError({
      code: 'OCK-TRAIN-003',
      what: 'the initial posterior has no weights to start from',
      where: 'initial',
      remedy: 'start from map, or from a file of weights',
    })
  const { shape = [] } = problem.dataset.meta.shapes['x'] ?? {}
  return matched(fresh, problem.initial.weights.point(), shape.length === 3 ? shape[2]! : 1)
}

function matched(fresh: Variables<Value>, given: Variables<Value>, channels: number): Variables<Value> {
  const read: Readonly<Record<string, Value>> = { ...given.state, ...given.frozen, ...given.params }
  const wanted = { ...fresh.state, ...fresh.frozen, ...fresh.params }
  const foreign = Object.keys(wanted).every((name) => !read[name] || name.endsWith('.bias'))
  const found = (foreign ? fromPyTorch(wanted, read, channels) : undefined) ?? read
  const problems: Fault[] = []
  const fault = (what: string): void =>
    void problems.push({ code: 'OCK-TRAIN-002', what, where: 'initial', remedy: 'use the model that the initial weights were learnt with' })
  for (const [name, { shape }] of Object.entries(wanted)) {
    const other = found[name]
    if (!other) fault(`the initial weights lack ${name} [${shape.join(', ')}]`)
    else if (other.shape.join() !== shape.join())
      fault(`${name} is [${other.shape.join(', ')}] in the initial weights and [${shape.join(', ')}] in the model`)
  }
  for (const name of Object.keys(found)) if (!wanted[name]) fault(`the model has no variable ${name}`)
  if (problems.length > 0) throw new InputError(problems)
  const from = (group: Readonly<Record<string, Value>>): Record<string, Value> => map(group, (_, name) => found[name]!)
  return { params: from(fresh.params), frozen: from(fresh.frozen), state: from(fresh.state) }
}

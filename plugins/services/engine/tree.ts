import { InputError, isHostKey, type HostKey, type Value } from 'ockham'
import type { Tensor } from './tensor.js'
import { flaw, isValue } from './values.js'
import { tf } from './tensor.js'

const wrong = (path: string, what: string, remedy: string): InputError =>
  new InputError({ code: 'OCK-ENGINE-013', what, where: path || 'the argument', remedy })

const below = (path: string, name: string): string => (path ? `${path}.${name}` : name)

const isPlain = (x: object): boolean => Array.isArray(x) || [Object.prototype, null].includes(Object.getPrototypeOf(x) as never)

/** A tree with the same records and arrays, each leaf replaced; names in alphabetical order. */
function map(tree: object, path: string, leaf: (x: unknown, path: string) => unknown): unknown {
  if (Array.isArray(tree)) return tree.map((x, i) => leaf(x, below(path, String(i))))
  const record = tree as Record<string, unknown>
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((name) => [name, leaf(record[name], below(path, name))]),
  )
}

/** What becomes of the leaves of an argument tree. Numbers arrive as float Values without dimensions. */
export interface Leaves<V, K> {
  value(value: Value, path: string): V
  key(key: HostKey, path: string): K
}

/** Walks what a program is called with. Errors: `OCK-ENGINE-013` for what it cannot hold. */
export function argument<V, K>(tree: unknown, leaves: Leaves<V, K>, path = ''): unknown {
  if (typeof tree === 'number') return leaves.value({ shape: [], dtype: 'float64', data: Float64Array.of(tree) }, path)
  if (tree instanceof tf.Tensor) throw wrong(path, 'a tensor is given from outside a traced function', 'give its Value')
  if (isHostKey(tree)) return leaves.key(tree, path)
  if (isValue(tree)) {
    const fault = flaw(tree)
    if (fault) throw wrong(path, fault, 'give a Value whose data fit its shape and type')
    return leaves.value(tree, path)
  }
  if (typeof tree === 'function' || (typeof tree === 'object' && tree !== null && !isPlain(tree))) {
    throw wrong(
      path,
      `a ${typeof tree === 'function' ? 'function' : tree.constructor.name} is given`,
      'give Values, keys, numbers, strings, records and lists',
    )
  }
  if (typeof tree !== 'object' || tree === null) return tree
  return map(tree, path, (x, at) => argument(x, leaves, at))
}

/** Walks what a traced function returned: tensors are replaced, records and lists kept, the rest passed on. */
export function result(tree: unknown, tensor: (t: Tensor, path: string) => unknown, path = ''): unknown {
  if (tree instanceof tf.Tensor) return tensor(tree, path)
  if (typeof tree === 'function' || (typeof tree === 'object' && tree !== null && !isPlain(tree) && !isValue(tree))) {
    throw wrong(
      path || 'the result',
      'a traced function returned what is neither tensor nor data',
      'return tensors, records and lists of them',
    )
  }
  if (typeof tree !== 'object' || tree === null || isValue(tree)) return tree
  return map(tree, path, (x, at) => result(x, tensor, at))
}

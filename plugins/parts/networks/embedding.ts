import type { Call, Variables } from 'ockham'
import { tf, type Tensor, type Tensor1D } from 'ockham/tensor'
import { variable } from './dense.js'

/**
 * Rows of `<name>.table` [V, d] at ids, int32 [...] → [..., d]. Announces `<name>.out`.
 * Its gradient adds the rows of dy up by id.
 */
export function embedding(vars: Variables, name: string, ids: Tensor, call: Call): Tensor {
  const table = variable(vars, `${name}.table`)
  const flat = ids.reshape<Tensor1D>([-1])
  return call.at(`${name}.out`, tf.gather(table, flat).reshape([...ids.shape, table.shape[1]!]))
}

import type { Call, Variables } from 'ockham'
import { InputError } from 'ockham'
import type { Tensor } from 'ockham/tensor'

/** A variable by name, learnt or fixed. Throws `OCK-MODEL-004` with the names there are. */
export function variable(vars: Variables, name: string): Tensor {
  const found = vars.params[name] ?? vars.frozen[name]
  if (found) return found
  throw new InputError({
    code: 'OCK-MODEL-004',
    what: `the variables lack ${name}`,
    where: 'model',
    remedy: `they are ${[...Object.keys(vars.params), ...Object.keys(vars.frozen)].join(', ') || 'none'}; were they made by the same model?`,
  })
}

/**
 * h W + b, with W = `<name>.kernel` [in, out] and b = `<name>.bias` [out], which may be absent.
 * Announces `<name>.in` and `<name>.out`. `h` is [n, in] or has further axes before the last, [n, t, in].
 */
export function dense(vars: Variables, name: string, h: Tensor, call: Call): Tensor {
  const kernel = variable(vars, `${name}.kernel`)
  const bias = vars.params[`${name}.bias`] ?? vars.frozen[`${name}.bias`]
  const x = call.at(`${name}.in`, h)
  const rows = x.rank === 2 ? x : x.reshape([-1, kernel.shape[0]])
  const product = rows.matMul(kernel)
  const y = bias ? product.add(bias) : product
  return call.at(`${name}.out`, x.rank === 2 ? y : y.reshape([...x.shape.slice(0, -1), kernel.shape[1]!]))
}

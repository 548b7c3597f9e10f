import { InputError, type Engine, type Program, type Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { product, transpose } from './gram.js'
import { perEngine } from './per-engine.js'

type Times = Program<{ a: Value; b: Value }, { c: Tensor }>

const times = (left: boolean) =>
  perEngine((engine): Times =>
    engine.compile(({ a, b }: { a: Tensor; b: Tensor }) => ({ c: tf.matMul(a, b, left, false) }), { precision: 'float64' }),
  )
const plain = times(false)
const transposed = times(true)

/** Multiplications from which a call of the runtime is worth its while. */
const worthwhile = 1e6

/**
 * A B, or Aᵀ B with `left`, float64: on the engine's runtime where the product is large, here where it is not or where the engine has no
 * float64. Throws `OCK-LINALG-001`.
 */
export async function blockProduct(engine: Engine, a: Value, b: Value, { left = false } = {}): Promise<Value> {
  const [n, k] = left ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!]
  if (b.shape[0] !== k)
    throw new InputError({
      code: 'OCK-LINALG-001',
      what: `[${a.shape.join(', ')}]${left ? 'ᵀ' : ''} times [${b.shape.join(', ')}]`,
      where: 'blockProduct',
      remedy: 'check the shapes given',
    })
  if (!engine.capabilities.has('float64') || n * k * b.shape[1]! < worthwhile) return product(left ? transpose(a) : a, b)
  return (await (left ? transposed : plain).of(engine)({ a, b })).c
}

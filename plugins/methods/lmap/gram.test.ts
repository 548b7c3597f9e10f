/* G itself, by the Jacobian that the exact prior takes: golden numbers of the brief, T3, and T10's symmetries. */
import type { Engine, Key, Tensors, Value, Values } from 'ockham'
import { hostKey } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eigenSymmetric, matrix } from '../../parts/linalg/index.js'
import { bind } from '../../parts/networks/index.js'
import { value } from '../../parts/training/index.js'
import { engines } from '../../parts/training/testing.js'
import { jacobian } from './jacobian.js'
import { network, twoUnits } from './testing.js'

const P = 7
/** The order of the brief, u₁ u₂ c₁ c₂ v₁ v₂ d, and where its entries are in a program's, which is by name: c₁ c₂ d u₁ u₂ v₁ v₂. */
const names = ['u', 'c', 'v', 'd']
const column = [3, 4, 0, 1, 5, 6, 2]

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

const points = (x: readonly number[]): Value => value(x, [x.length, 1])

/** J at the weights, tr JᵀJ/n, and that trace's gradient. */
async function at(params: Values, x: Value) {
  const program = engine.compile(
    (a: { params: Tensors; x: Tensor; key: Key }) => {
      const of = (p: Tensors): Tensor => jacobian(engine, bind(network, { params: p, frozen: {}, state: {} }, a.key, false), a.x)
      const { value: trace, grads } = engine.valueAndGrad(
        (p) => ({ value: of(p).square().sum().div<Scalar>(x.shape[0]!), aux: null }),
        a.params,
      )
      return { j: of(a.params), trace, grads }
    },
    { precision: 'float64' },
  )
  const { j, trace, grads } = await program({ params, x, key: hostKey(0) })
  program.dispose()
  return { j: j.data, trace: trace.data[0]!, gradient: names.flatMap((name) => Array.from((grads as Values)[name]!.data)) }
}

/** JᵀJ/n [P, P], in the order of the brief. */
const gram = (j: ArrayLike<number>): Float64Array => {
  const n = j.length / P
  return Float64Array.from({ length: P * P }, (_, at) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += j[i * P + column[Math.floor(at / P)]!]! * j[i * P + column[at % P]!]!
    return sum / n
  })
}

it('T3: diagonal, trace, eigenvalues of G, and the gradient of its trace', async () => {
  const { j, trace, gradient } = await at(twoUnits, points([-1, -0.5, 0, 0.5, 1]))
  const g = gram(j)
  const diagonal = [0.45179, 0.063543, 1.384285, 0.230623, 0.237338, 0.369444, 1]
  diagonal.forEach((d, i) => expect(g[i * P + i]).toBeCloseTo(d, 5))
  expect(trace).toBeCloseTo(3.7370231979, 6)
  const values = Array.from(eigenSymmetric(matrix([P, P], g)).values.data).sort((a, b) => a - b)
  const golden = [0, 0, 0.000128, 0.005536, 0.039921, 1.077624, 2.613813]
  golden.forEach((v, i) => expect(values[i]).toBeCloseTo(v, 5))
  const slopes = [-1.665009, -0.04892, 0.059462, -0.135284, 2.4481, 0.840475, 0]
  slopes.forEach((s, i) => expect(gradient[i]).toBeCloseTo(s, 5))
})

it('T10: units that change places change places in G; points that are doubled leave it', async () => {
  const x = [-1, -0.5, 0, 0.5, 1]
  const g = gram((await at(twoUnits, points(x))).j)
  const turned = Object.fromEntries(
    Object.entries(twoUnits).map(([name, v]) => [name, { ...v, data: Float32Array.from(v.data).reverse() }]),
  ) as Values
  const swapped = gram((await at(turned, points(x))).j)
  const place = [1, 0, 3, 2, 5, 4, 6]
  for (let a = 0; a < P; a++) for (let b = 0; b < P; b++) expect(swapped[place[a]! * P + place[b]!]).toBeCloseTo(g[a * P + b]!, 8)
  const twice = gram((await at(twoUnits, points([...x, ...x]))).j)
  twice.forEach((v, i) => expect(v).toBeCloseTo(g[i]!, 8))
})

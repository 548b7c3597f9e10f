import type { HostKey, Values } from 'ockham'
import { eigenTridiagonal, lanczosSteps } from '../../parts/linalg/index.js'
import { map } from '../../parts/training/index.js'
import type { LossAt } from './curvature.js'

const signs = (params: Values, key: HostKey): Values =>
  map(params, ({ shape }, name) => {
    const { data } = key.fold(name).bernoulli(0.5, shape)
    return { shape, dtype: 'float32', data: Float32Array.from(data, (b) => 2 * b - 1) }
  })

const inner = (a: Values, b: Values): number =>
  Object.entries(a).reduce((sum, [name, { data }]) => {
    const other = b[name]!.data
    for (let i = 0; i < data.length; i++) sum += data[i]! * other[i]!
    return sum
  }, 0)

/** zᵀHz for random signs z, an unbiased estimate of the trace each (Hutchinson 1990). */
export async function traces(at: LossAt, params: Values, key: HostKey, probes: number): Promise<Float64Array> {
  const found = new Float64Array(probes)
  for (let i = 0; i < probes; i++) {
    const z = signs(params, key.fold(i))
    found[i] = inner(z, await at.product(params, z))
  }
  return found
}

/** The eigenvalues of the Hessian that are largest by absolute value, from a Krylov space. */
export async function largest(at: LossAt, params: Values, key: HostKey, iterations: number, count: number): Promise<number[]> {
  const size = Object.values(params).reduce((sum, { data }) => sum + data.length, 0)
  const flat = (v: Values): Float64Array => {
    const all = new Float64Array(size)
    let from = 0
    for (const name of Object.keys(params)) {
      all.set(v[name]!.data, from)
      from += v[name]!.data.length
    }
    return all
  }
  const shaped = (q: Float64Array): Values => {
    let from = 0
    return map(params, ({ shape, data }) => ({ shape, dtype: 'float32', data: Float32Array.from(q.subarray(from, (from += data.length))) }))
  }
  const recurrence = lanczosSteps(flat(map(params, ({ shape }, name) => key.fold(name).normal(shape))), iterations)
  let turn = recurrence.next()
  while (!turn.done) turn = recurrence.next(flat(await at.product(params, shaped(turn.value))))
  const { values } = eigenTridiagonal(turn.value)
  return Array.from(values.data)
    .sort((a, b) => Math.abs(b) - Math.abs(a))
    .slice(0, count)
}

/** ‖f(θ + βψ) − f(θ)‖²/β² for normal ψ, a mean over rows each: estimates of tr G (Qiu et al. 2023). */
export async function changes(at: LossAt, params: Values, key: HostKey, probes: number, std: number): Promise<Float64Array> {
  const found = new Float64Array(probes)
  for (let i = 0; i < probes; i++) {
    const psi = map(params, ({ shape }, name) => {
      const { data } = key.fold(i).fold(name).normal(shape)
      return { shape, dtype: 'float32', data: Float32Array.from(data, (x) => x * std) } as const
    })
    found[i] = (await at.change(params, psi)) / std ** 2
  }
  return found
}

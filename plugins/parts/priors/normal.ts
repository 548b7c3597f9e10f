import type { Prior, Values } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { z } from 'zod'
import { halfSquares } from '../training/trees.js'

const scale = z.number().positive()

export const normalOptions = z.strictObject({
  scale: z
    .union([scale, z.record(z.string(), scale)])
    .default(1)
    .describe("standard deviation of every parameter, or one a layer: { head: 0.1, '*': 1 }"),
})

/** Whether a key of the record covers a parameter: its whole name, a prefix that ends at a dot, or `*` for the rest. */
export const covers = (key: string, name: string): boolean => key === '*' || name === key || name.startsWith(`${key}.`)

/** The standard deviation of each parameter; the longest key that covers it counts. Throws `OCK-PRIOR-001`. */
export function scales(names: readonly string[], given: number | Readonly<Record<string, number>>): Record<string, number> {
  if (typeof given === 'number') return Object.fromEntries(names.map((name) => [name, given]))
  const keys = Object.keys(given).sort((a, b) => Number(a === '*') - Number(b === '*') || b.length - a.length)
  const idle = keys.filter((key) => key !== '*' && !names.some((name) => covers(key, name)))
  const bare = names.filter((name) => !keys.some((key) => covers(key, name)))
  const where = 'prior.scale'
  const remedy = `the parameters are ${names.join(', ')}; a key is a name, a prefix that ends at a dot, or '*'`
  const problems = [
    ...idle.map((key) => ({ code: 'OCK-PRIOR-001', what: `no parameter is called ${key} or starts with ${key}.`, where, remedy })),
    ...(bare.length > 0 ? [{ code: 'OCK-PRIOR-001', what: `no scale is given for ${bare.join(', ')}`, where, remedy }] : []),
  ]
  if (problems.length > 0) throw new InputError(problems)
  return Object.fromEntries(names.map((name) => [name, given[keys.find((key) => covers(key, name))!]!]))
}

/** A zero-mean normal density on every parameter, biases included: Σ θ²/2σ², nats. */
export const normal = ({ scale: given }: z.output<typeof normalOptions>): Prior => ({
  init(_, { params }) {
    scales(Object.keys(params), given)
    return {}
  },
  energy({ net: { vars } }): Scalar {
    const std = scales(Object.keys(vars.params), given)
    const terms = Object.entries(vars.params).map(([name, p]) => halfSquares(p).div(std[name]! * std[name]!))
    return terms.length > 0 ? (tf.addN(terms) as Scalar) : tf.scalar(0)
  },
  gaussian({ params }) {
    const std = scales(Object.keys(params), given)
    const filled = (fill: (name: string) => number): Values =>
      Object.fromEntries(
        Object.entries(params).map(([name, { shape, data }]) => [
          name,
          { shape, dtype: 'float32', data: new Float32Array(data.length).fill(fill(name)) },
        ]),
      )
    return { mean: filled(() => 0), precision: filled((name) => 1 / (std[name]! * std[name]!)) }
  },
})

/*
 * What the suites test in: an engine, a run that keeps nothing, and a small problem that every method can be tried on.
 * Vitest is the test runner; a package that uses the suites has it beside `ockham`.
 */
import type { Dataset, Engine, HostKey, Kind, Kinds, Plugin, Problem, Run, Value, Values } from 'ockham'
import { Reference, type Component } from 'ockham'
import { mlp, mlpOptions } from '../../plugins/parts/networks/index.js'
import { crossEntropy } from '../../plugins/parts/objectives/index.js'
import { normal } from '../../plugins/parts/priors/index.js'
import { engines, inMemory, testRun } from '../../plugins/parts/training/testing.js'
import { value } from '../../plugins/parts/training/trees.js'

export { engines, inMemory, testRun }

/** An engine to run a suite on; the interpreter unless another is given. */
export type StartEngine = () => Promise<Engine>
export const interpreter: StartEngine = () => engines['interpreter']!()

/** A fresh run on an engine: no folder, no listener. */
export const freshRun = (engine: Engine, seed = 0): Run => testRun(engine, { seed }).run

/** Two round clouds in the plane, 24 points to learn from, 8 to validate on and 40 to test on. */
export function clouds(key: HostKey): Dataset {
  const split = (name: string, n: number): Values => {
    const noise = key.fold(name).normal([n, 2]).data
    const y = Int32Array.from({ length: n }, (_, i) => i % 2)
    const x = Float32Array.from(noise, (e, i) => e + (y[i >> 1]! === 0 ? -1 : 1))
    return { x: value(x, [n, 2]), y: value(y, [n], 'int32') }
  }
  return inMemory(
    { train: split('train', 24), validation: split('validation', 8), test: split('test', 40) },
    { classes: ['left', 'right'] },
  )
}

/** Clouds, a network of eleven units' worth of weights, cross-entropy and a normal prior; members can be replaced. */
export const smallProblem = (key: HostKey, changes: Partial<Problem> = {}): Problem => ({
  dataset: clouds(key),
  model: mlp(mlpOptions.parse({ hidden: [3], activation: 'tanh' })),
  objective: crossEntropy(),
  prior: normal({ scale: 1 }),
  examples: 24,
  ...changes,
})

/** The component of a plugin by name, with its options parsed and its needs given; slots must hold instances. */
export async function componentOf<K extends Kind>(
  plugin: Plugin,
  kind: K,
  name: string,
  options: object = {},
  needs: object = {},
): Promise<Kinds[K]> {
  const found = plugin.provides.find((component) => component.kind === kind && component.name === name)
  if (!found) throw new Error(`${plugin.name} provides no ${kind} called ${name}`)
  const { options: schema, create } = found as unknown as Component
  const parsed = schema.parse(options) as object
  const left = Object.entries(parsed).filter(([, held]) => held instanceof Reference)
  if (left.length > 0) throw new Error(`${name}: give an instance for ${left.map(([option]) => option).join(', ')}`)
  return (await create(parsed, needs as never)) as Kinds[K]
}

/** Every number of a Value is finite. */
export const isFinite = ({ data }: Value): boolean => data.every((x: number) => Number.isFinite(x))

/** The bytes of Values, for equality to the bit. */
export const bytesOf = (values: Values): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, { shape, dtype, data }]) => [
      name,
      `${dtype} [${shape.join(', ')}] ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`,
    ]),
  )

/** Σ a·b over records of the same names. */
export const inner = (a: Values, b: Values): number =>
  Object.entries(a).reduce((sum, [name, { data }]) => sum + Array.from(data).reduce((s, x, i) => s + x * b[name]!.data[i]!, 0), 0)

/** a + t·b, float32 as a's. */
export const along = (a: Values, t: number, b: Values): Values =>
  Object.fromEntries(
    Object.entries(a).map(([name, v]) => [name, { ...v, data: (v.data as Float32Array).map((x, i) => x + t * b[name]!.data[i]!) }]),
  )

import type { Tensors, Value, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, type Executor, type Graph } from '../engine/index.js'
import { tf, type Tensor } from '../engine/tensor.js'
import { blocksOp, inBlocks, type Chain } from './blocks.js'
import { onnxruntime } from './index.js'
import { rewrite } from './rewrite.js'
import { anatomy } from './scan.js'

const columns = 256
const many = 4096
const few = 8

const filled = (shape: readonly number[], seed: number): Value => {
  const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 0.37 * i))
  return { shape, dtype: 'float32', data: numbers }
}
const firstRows = ({ shape, dtype, data }: Value, rows: number): Value => {
  const each = data.length / shape[0]!
  return { shape: [rows, ...shape.slice(1)], dtype, data: data.slice(0, rows * each) }
}

const bytes = ({ buffer, byteOffset, byteLength }: Value['data']): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength)

const executor = await onnxruntime({ threads: 1 })
let seen: Graph | undefined
const spy: Executor = {
  ...executor,
  compile: (graph, precision) => executor.compile((seen = graph), precision),
  loop: (graph, precision, warn) => executor.loop((seen = graph), precision, warn),
}
const engine = createEngine(spy)
afterAll(() => engine.dispose())

const chainsOf = (graph: Graph): Chain[] => graph.nodes.flatMap((n) => (n.op === blocksOp ? [n.attrs['chain'] as Chain] : []))
const opsOf = (chain: Chain): string[] => chain.members.map((n) => n.op)

/** A chain whose operands are rows, a number a row, a number a column and numbers; three of its results are read outside. */
function forward({ x, row, column }: Tensors): Record<string, Tensor> {
  const z = x!.mul(row!).add(column!).mul(2)
  const open = tf.relu(z)
  const gate = z.sigmoid()
  const y = open.mul(gate).add(gate.mul(gate)).sub(x!.square())
  return { y: tf.concat([y, y], 1), total: gate.sum(1), above: z.greater(0.5).cast('int32').sum(1) }
}

describe('a chain of elementwise kernels on a large tensor', () => {
  const inputs: Values = { x: filled([many, columns], 1), row: filled([many, 1], 2), column: filled([columns], 3) }
  const small: Values = { ...inputs, x: firstRows(inputs['x']!, few), row: firstRows(inputs['row']!, few) }
  let large: Record<string, Value>
  let plain: Record<string, Value>
  let graph: Graph

  beforeAll(async () => {
    const program = engine.compile(forward)
    plain = await program(small)
    expect(chainsOf(inBlocks(rewrite(seen!)))).toEqual([])
    large = await program(inputs)
    graph = inBlocks(rewrite(seen!))
  })

  it('is one node, of blocks of a quarter of a million numbers', () => {
    const [chain] = chainsOf(graph)
    expect(chain!.blocks).toBe((many * columns) / 2 ** 18)
    expect(opsOf(chain!)).toEqual(expect.arrayContaining(['Multiply', 'Add', 'Relu', 'Sigmoid', 'Square', 'Sub']))
    expect(chain!.operands.filter((o) => o.whole).map((o) => o.node.outputs[0]!.shape.length)).toContain(1)
  })

  it('gives each row the bits it has in a small tensor', () => {
    for (const [name, value] of Object.entries(plain)) expect(firstRows(large[name]!, few).data).toEqual(value.data)
  })

  it('gives all blocks their own numbers', () => {
    const [x, row, column] = [inputs['x']!, inputs['row']!, inputs['column']!].map((v) => v.data) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ]
    for (const at of [0, 3, many / 2 + 1, many - 1]) {
      const i = at * columns + 7
      const gate = 1 / (1 + Math.exp(-2 * (x[i]! * row[at]! + column[7]!)))
      const z = 2 * (x[i]! * row[at]! + column[7]!)
      expect(large['y']!.data[at * 2 * columns + 7]).toBeCloseTo(Math.max(z, 0) * gate + gate ** 2 - x[i]! ** 2, 5)
    }
  })
})

it('is cut where something else stands between its nodes', async () => {
  const program = engine.compile(({ x }: Tensors) => {
    const a = x!.exp().mul(0.5).add(1).sqrt().log().add(2).square().neg().exp()
    const sums = a.sum(1, true)
    return a.div(sums).square().mul(3).neg().sigmoid().log().abs().sqrt().reshape([-1])
  })
  const x = filled([many, columns], 4)
  const y = await program({ x })
  const found = chainsOf(inBlocks(rewrite(seen!)))
  expect(found.map(opsOf)).toEqual([
    ['Exp', 'Multiply', 'Add', 'Sqrt', 'Log', 'Add', 'Square', 'Neg', 'Exp'],
    ['RealDiv', 'Square', 'Multiply', 'Neg', 'Sigmoid', 'Log', 'Abs', 'Sqrt'],
  ])
  const a = (i: number): number => Math.exp(-((Math.log(Math.sqrt(0.5 * Math.exp(x.data[i]!) + 1)) + 2) ** 2))
  const start = (many / 2) * columns
  const sum = Array.from({ length: columns }, (_, j) => a(start + j)).reduce((s, v) => s + v)
  const z = 3 * (a(start) / sum) ** 2
  expect(y.data[start]).toBeCloseTo(Math.sqrt(Math.log(1 + Math.exp(z))), 5)
})

it('short chains, and what a graph hands out, stay as they are', async () => {
  const x = filled([many, columns], 4)
  await engine.compile(({ x }: Tensors) => x!.exp().mul(0.5).add(1).sqrt().reshape([-1]))({ x })
  expect(chainsOf(inBlocks(rewrite(seen!)))).toEqual([])
  await engine.compile(({ x }: Tensors) => x!.exp().mul(0.5).add(1).sqrt().log().add(2).square().neg().exp())({ x })
  expect(chainsOf(inBlocks(rewrite(seen!))).map((c) => c.members.length)).toEqual([8])
})

it('what no step of a loop changes stays out of its chains', async () => {
  const still = filled([many, columns], 5)
  const loop = engine.loop(({ a }, { x }) => {
    const fixed = engine.capture(still).exp().mul(2).add(1).sqrt()
    const moved = a!.mul(0.5).add(x!).mul(fixed).sub(1).square().neg().exp().mul(2)
    return { carry: { a: moved.sub(moved.max()) } }
  })
  const one = { shape: [], dtype: 'float32', data: Float32Array.of(1) } as const
  const zero = { shape: [many, columns], dtype: 'float32', data: new Float32Array(many * columns) } as const
  const feeds = [{ x: one }, { x: one }, { x: one }]
  const whole = await loop.advance(loop.load({ a: zero }), 0, feeds, [])
  let carry = loop.load({ a: zero })
  for (const feed of feeds) carry = (await loop.advance(carry, 0, [feed], [])).carry
  const fixed = [...still.data].map((v) => Math.sqrt(2 * Math.exp(v) + 1))
  let a = fixed.map(() => 0)
  for (let step = 0; step < feeds.length; step++) {
    const moved = a.map((v, i) => 2 * Math.exp(-(((0.5 * v + 1) * fixed[i]! - 1) ** 2)))
    const most = moved.reduce((s, v) => Math.max(s, v))
    a = moved.map((v) => v - most)
  }
  const found = (await whole.carry.read())['a']!.data
  expect(Buffer.compare(bytes(found), bytes((await carry.read())['a']!.data))).toBe(0)
  for (const i of [0, 12345, many * columns - 1]) expect(found[i]).toBeCloseTo(a[i]!, 4)
  const graph = rewrite(seen!)
  const [chain, ...others] = chainsOf(inBlocks(graph, anatomy(graph).invariant))
  expect(others).toEqual([])
  expect(opsOf(chain!)).toEqual(['Multiply', 'Add', 'Multiply', 'Sub', 'Square', 'Neg', 'Exp', 'Multiply'])
  loop.dispose()
})

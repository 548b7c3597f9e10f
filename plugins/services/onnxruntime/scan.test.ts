import type { Advance, Value } from 'ockham'
import { expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import type { Executor, Graph } from '../engine/index.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { decodeModel } from './proto.js'
import type { GraphProto } from './proto.js'
import { anatomy, loopModel } from './scan.js'

const float = (shape: readonly number[]): Value => ({ shape, dtype: 'float32', data: new Float32Array(shape.reduce((a, b) => a * b, 1)) })

/** The graph of a step as the engine hands it to an executor. */
async function graphOf(advance: Advance, carry: Record<string, Value>, feed: Record<string, Value>): Promise<Graph> {
  const executor = await onnxruntime({ threads: 1 })
  let found: Graph | undefined
  const spy: Executor = {
    ...executor,
    loop: (graph, ...rest) => {
      found = graph
      return executor.loop(graph, ...rest)
    },
  }
  const engine = createEngine(spy)
  await engine.loop(advance).prepare(carry, feed)
  await engine.dispose()
  return found!
}

const ops = (graph: GraphProto): string[] => graph.node.map((n) => n.opType)

it('computes once a call what depends on captures and kept carry alone', async () => {
  const weights = float([3, 3])
  const step: Advance = ({ a, still }, _, { engine }) => {
    const w = engine.capture(weights)
    const fixed = tf.sin(tf.matMul(w as never, still!))
    return { carry: { a: a!.mul(fixed), still: still! } }
  }
  const graph = await graphOf(step, { a: float([3, 3]), still: float([3, 3]) }, {})
  const parts = anatomy(graph)
  expect(parts.kept.map((k) => k.name)).toEqual(['still'])
  expect(parts.states.map((s) => s.name)).toEqual(['a'])
  const made = loopModel(graph, parts)
  const main = decodeModel(made.model).graph
  expect(ops(main)).toEqual(['MatMul', 'Sin', 'Scan'])
  const body = main.node[2]!.attribute.find((a) => a.name === 'body')!.g!
  expect(ops(body)).toEqual(['Mul'])
  expect(made.states).toHaveLength(1)
  expect(made.fixed).toHaveLength(2)
})

it('counts the steps where a step is fed nothing', async () => {
  const graph = await graphOf(({ a }) => ({ carry: { a: a!.add(1) } }), { a: float([2]) }, {})
  const made = loopModel(graph, anatomy(graph))
  expect(made.steps.map((s) => s.node)).toEqual([undefined])
})

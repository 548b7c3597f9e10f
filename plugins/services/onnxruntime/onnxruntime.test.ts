import type { Tensors, Value } from 'ockham'
import { describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import type { Graph, Node } from '../engine/index.js'
import { tf } from '../engine/tensor.js'
import type { Scalar, Tensor } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { Scope } from './model.js'
import { decodeModel } from './proto.js'
import { openSession } from './session.js'

const float = (shape: readonly number[], data: readonly number[]): Value => ({ shape, dtype: 'float32', data: Float32Array.from(data) })
const slot = { shape: [2], dtype: 'float32' } as const
const input: Node = {
  id: 0,
  op: 'Input',
  inputs: [],
  attrs: {},
  outputs: [slot],
  precision: 'float32',
  source: { kind: 'argument', path: 'x' },
}
const over = (op: string, attrs = {}): Graph => {
  const node: Node = { ...input, id: 1, op, inputs: [{ node: input, index: 0 }], attrs, line: 'here.ts:7' }
  delete (node as { source?: unknown }).source
  return { nodes: [input, node], inputs: [input], outputs: [{ name: 'y', ref: { node, index: 0 } }] }
}

describe('the executor', () => {
  it('says how it runs', async () => {
    const executor = await onnxruntime({ threads: 2 })
    expect(executor.build).toMatchObject({ onnxruntime: '1.30.0', provider: 'cpu', threads: 2 })
    expect(['zero', 'kept']).toContain(executor.build['denormals'])
    expect((await onnxruntime()).build['threads']).toBeGreaterThan(0)
    expect(executor.supports('BatchMatMul')).toBe(true)
    expect(executor.supports('Multinomial')).toBe(false)
  })

  it('refuses thread counts that are none', async () => {
    await expect(onnxruntime({ threads: 0 })).rejects.toMatchObject({ code: 'OCK-ORT-005' })
    await expect(onnxruntime({ threads: 1.5 })).rejects.toMatchObject({ code: 'OCK-ORT-005' })
  })

  it('names a kernel without a row, and its line', async () => {
    const executor = await onnxruntime({ threads: 1 })
    await expect(executor.compile(over('Multinomial'), 'float32')).rejects.toThrow(/OCK-ORT-001 at here\.ts:7: .*Multinomial/)
  })

  it('names the operation that the runtime does not take', async () => {
    const executor = await onnxruntime({ threads: 1 })
    const wrong = executor.compile(over('Transpose', { perm: [3, 1] }), 'float32')
    await expect(wrong).rejects.toThrow(/OCK-ORT-002 at Transpose \(here\.ts:7\)/)
  })

  it('names the operation that fails in a run', async () => {
    const engine = createEngine(await onnxruntime({ threads: 1 }))
    const program = engine.compile((t: Tensors) => tf.gather(t['x']!, t['i'] as never))
    const run = program({ x: float([2], [1, 2]), i: { shape: [1], dtype: 'int32', data: Int32Array.of(9) } })
    await expect(run).rejects.toMatchObject({ code: 'OCK-ORT-003' })
    await expect(run).rejects.toThrow(/GatherV2/)
    await engine.dispose()
  })

  it('computes what is inside double in float64 and gives it back as float32', async () => {
    const engine = createEngine(await onnxruntime({ threads: 1 }))
    const program = engine.compile((t: { x: Tensor }) => ({
      plain: t.x.add(1e8).sub(1e8),
      exact: engine.double(() => t.x.add(1e8).sub(1e8)),
    }))
    const y = await program({ x: float([1], [1.25]) })
    expect(y.exact.dtype).toBe('float32')
    expect(y.exact.data[0]).toBe(1.25)
    expect(y.plain.data[0]).toBe(0)
    await engine.dispose()
  })

  it('gives gradients in float64 that agree with central differences to 1e-8', async () => {
    const engine = createEngine(await onnxruntime({ threads: 1 }))
    const f = (p: Tensors) =>
      tf
        .logSoftmax(tf.matMul(tf.tanh(p['x']!), p['w']!))
        .square()
        .sum<Scalar>()
    const gradient = engine.compile((p: Tensors) => engine.valueAndGrad((q) => ({ value: f(q), aux: {} }), p).grads, {
      precision: 'float64',
    })
    const value = engine.compile((p: Tensors) => f(p), { precision: 'float64' })
    const double = (v: Value): Value => ({ ...v, dtype: 'float64', data: Float64Array.from(v.data) })
    const p = { x: double(float([2, 3], [0.3, -0.2, 0.9, 1, -1.2, 0.4])), w: double(float([3, 2], [0.5, -0.7, 0.2, 0.1, -0.4, 0.8])) }
    const grads = (await gradient(p)) as unknown as Record<'x' | 'w', Value>
    for (const name of ['x', 'w'] as const) {
      for (let i = 0; i < p[name].data.length; i++) {
        const at = async (h: number): Promise<number> => {
          const data = p[name].data.slice()
          data[i]! += h
          return (await value({ ...p, [name]: { ...p[name], data } })).data[0]!
        }
        const difference = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5
        expect(Math.abs(grads[name].data[i]! - difference)).toBeLessThan(1e-8)
      }
    }
    await engine.dispose()
  })

  it('binds captures by reference: what they hold at the call counts', async () => {
    const engine = createEngine(await onnxruntime({ threads: 1 }))
    const captured = float([2], [1, 2])
    const program = engine.compile((t: { x: Tensor }) => t.x.add(engine.capture(captured)))
    expect([...(await program({ x: float([2], [0, 0]) })).data]).toEqual([1, 2])
    captured.data[0] = 5
    expect([...(await program({ x: float([2], [0, 0]) })).data]).toEqual([5, 2])
    await engine.dispose()
  })
})

describe('a model', () => {
  it('is written and read back, equal nodes and constants merged', () => {
    const scope = new Scope('main')
    const x = scope.input('x', 'float32', ['k', 2])
    const one = () => scope.constant('float32', [], Float32Array.of(1))
    const sum = () => scope.emit('Add', [x, one()], {}, 1, 'Add.0')[0]!
    const y = scope.emit('Elu', [scope.emit('Mul', [sum(), sum()], {}, 1, 'Mul.1')[0]!], { alpha: { f: 0.5 } }, 1, 'Elu.2')[0]!
    scope.output(y, 'float32', ['k', 2])
    const model = decodeModel(scope.model())
    expect(model.graph.node.map((n) => n.opType)).toEqual(['Add', 'Mul', 'Elu'])
    expect(model.graph.initializer).toHaveLength(1)
    expect(model.graph.node[2]!.attribute[0]).toMatchObject({ name: 'alpha', f: 0.5, type: 1 })
    expect(model.opsetImport).toEqual([{ version: 18 }, { domain: 'com.microsoft', version: 1 }])
  })

  it('gives one value twice under two names', async () => {
    const scope = new Scope('main')
    const y = scope.emit('Neg', [scope.input('x', 'float32', [1])], {}, 1, 'Neg.0')[0]!
    const names = [scope.output(y, 'float32', [1]), scope.output(y, 'float32', [1]), scope.output('x', 'float32', [1])]
    expect(new Set([...names, 'x']).size).toBe(4)
    const session = await openSession(scope.model(), { threads: 1, denormals: 'kept' }, [])
    expect(session.outputNames).toEqual(names)
    await session.release()
  })
})

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hostKey, InputError, type DatasetMeta, type Engine, type Model, type Tensors, type Value, type Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { runFile } from '../../services/onnxruntime/export.js'
import { encodeModel, decodeModel } from '../../services/onnxruntime/proto.js'
import { bind, cnn, cnnOptions } from '../networks/index.js'
import { silent, value } from '../training/index.js'
import { onnx, onnxOptions, type OnnxOptions } from './index.js'
import { fileOf, fixture, fixtureMeta, modelBytes, type ModelCase } from './testing.js'
import { transposed } from './transposed.js'

const key = hostKey(7)
const load = (file: string, options: Partial<OnnxOptions> = {}): Promise<Model> => onnx(onnxOptions.parse({ file, ...options }))
const unlabelled = (shape: readonly number[]): DatasetMeta => ({
  task: 'unlabelled',
  splits: {},
  shapes: { x: { shape, dtype: 'float32' } },
  digest: '',
  licence: '',
})
const normal = (name: string, shape: readonly number[]): Value => key.fold(name).normal(shape)

let engine: Engine
beforeAll(async () => {
  engine = createEngine(await interpreter())
})
afterAll(() => engine.dispose())

const run = async (model: Model, vars: Variables<Value>, x: Value): Promise<Value> => {
  const program = engine.compile((a: { vars: Variables; x: Tensor }) => ({ y: bind(model, a.vars, silent, false)(a.x) }))
  const { y } = await program({ vars, x })
  program.dispose()
  return y
}

const close = (a: Value, b: Value, digits = 5): void => {
  expect(a.data.length).toBe(b.data.length)
  a.data.forEach((x, i) => expect(x).toBeCloseTo(b.data[i]!, digits))
}

/** 2 → 3 → 2 with a rectifier and a softmax. */
const small: ModelCase = {
  nodes: [
    { op: 'Gemm', inputs: ['x', 'fc.weight', 'fc.bias'], outputs: ['h'], attrs: { transB: 1 } },
    { op: 'Relu', inputs: ['h'], outputs: ['r'] },
    { op: 'Gemm', inputs: ['r', 'out.weight', 'out.bias'], outputs: ['z'], attrs: { transB: 1 } },
    { op: 'Softmax', inputs: ['z'], outputs: ['p'] },
  ],
  inputs: { x: [-1, 2] },
  outputs: ['p'],
  values: {
    'fc.weight': normal('a', [3, 2]),
    'fc.bias': normal('b', [3]),
    'out.weight': normal('c', [2, 3]),
    'out.bias': normal('d', [2]),
  },
}

describe('our own export read again', () => {
  const x = normal('x', [4, 8, 8, 2])

  it('has the variables that it was made with, and gives logits', async () => {
    const model = await load(fixture)
    const vars = await model.init(key, fixtureMeta)
    expect(Object.fromEntries(Object.entries(vars.params).map(([n, v]) => [n, v.shape]))).toEqual({
      'conv0.kernel': [3, 3, 2, 3],
      'conv0.bias': [3],
      'conv1.kernel': [3, 3, 3, 4],
      'conv1.bias': [4],
      'layer0.kernel': [16, 5],
      'layer0.bias': [5],
      'head.kernel': [5, 3],
      'head.bias': [3],
    })
    const { probabilities } = await runFile(readFileSync(fixture), { x })
    const logits = await run(model, vars, x)
    const { p } = await engine.compile((a: { y: Tensor }) => ({ p: tf.softmax(a.y) }))({ y: logits })
    close(p, probabilities!)
    close(await run(await load(fixture, { softmax: 'keep' }), vars, x), probabilities!)
  })

  it('has the derivatives of the network that was exported', async () => {
    const [model, original] = [await load(fixture), cnn(cnnOptions.parse({ channels: [3, 4], hidden: [5] }))]
    const vars = await model.init(key, fixtureMeta)
    const gradients = (of: Model): Promise<Record<string, Value>> =>
      engine.compile((a: { vars: Variables; x: Tensor }) => {
        const loss = (params: Tensors) => ({
          value: tf
            .logSoftmax(bind(of, { ...a.vars, params }, silent, true)(a.x))
            .slice([0, 1], [4, 1])
            .sum<never>(),
          aux: undefined,
        })
        return engine.valueAndGrad(loss, a.vars.params).grads
      })({ vars, x })
    const [found, wanted] = [await gradients(model), await gradients(original)]
    expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort())
    for (const [name, g] of Object.entries(found)) close(g, wanted[name]!, 4)
  })
})

describe('variables', () => {
  it('are called as in the file, the last dense layer is head', async () => {
    const model = await load(fileOf(modelBytes(small)))
    const { params, frozen } = await model.init(key, unlabelled([2]))
    expect(Object.keys(params).sort()).toEqual(['fc.bias', 'fc.kernel', 'head.bias', 'head.kernel'])
    expect(params['fc.kernel']).toEqual(transposed(small.values!['fc.weight']!))
    expect(frozen).toEqual({})
  })

  it('announce the ends of their layers', async () => {
    const model = await load(fileOf(modelBytes(small)))
    const vars = await model.init(key, unlabelled([2]))
    const points = await engine.compile((a: { vars: Variables; x: Tensor }) =>
      bind(model, a.vars, silent, false).points(a.x, ['fc.in', 'fc.out', 'head.in', 'head.out']),
    )({ vars, x: normal('x', [4, 2]) })
    expect(Object.values(points).map((v) => v.shape)).toEqual([
      [4, 2],
      [4, 3],
      [4, 3],
      [4, 2],
    ])
  })

  it('are frozen all, or by layer', async () => {
    const file = fileOf(modelBytes(small))
    expect((await (await load(file, { weights: 'frozen' })).init(key, unlabelled([2]))).params).toEqual({})
    const some = await (await load(file, { freeze: ['fc', 'head.bias'] })).init(key, unlabelled([2]))
    expect(Object.keys(some.params)).toEqual(['head.kernel'])
    expect(Object.keys(some.frozen).sort()).toEqual(['fc.bias', 'fc.kernel', 'head.bias'])
    await expect(load(file, { freeze: ['fc9'] })).rejects.toThrow(/OCK-ONNX-008.*"fc9".*fc\.kernel/s)
  })

  it('of the name of a bias that is added later are added once', async () => {
    const later: ModelCase = {
      nodes: [
        { op: 'Conv', inputs: ['x', 'conv.weight'], outputs: ['c'] },
        { op: 'Relu', inputs: ['c'], outputs: ['r'] },
        { op: 'Add', inputs: ['r', 'conv.bias'], outputs: ['s'] },
        { op: 'Flatten', inputs: ['s'], outputs: ['f'] },
        { op: 'MatMul', inputs: ['f', 'head.weight'], outputs: ['m'] },
        { op: 'Tanh', inputs: ['m'], outputs: ['t'] },
        { op: 'Add', inputs: ['t', 'head.bias'], outputs: ['y'] },
      ],
      inputs: { x: [-1, 2, 3, 3] },
      outputs: ['y'],
      values: {
        'conv.weight': normal('a', [4, 2, 3, 3]),
        'conv.bias': normal('b', [4, 1, 1]),
        'head.weight': normal('c', [4, 3]),
        'head.bias': normal('d', [3]),
      },
    }
    const [bytes, x] = [modelBytes(later), normal('x', [5, 2, 3, 3])]
    const model = await load(fileOf(bytes))
    const vars = await model.init(key, unlabelled([3, 3, 2]))
    expect(Object.keys(vars.params).sort()).toEqual(['conv.bias', 'conv.kernel', 'head.bias', 'head.kernel'])
    close(await run(model, vars, transposed(x, [0, 2, 3, 1])), (await runFile(bytes, { x }))['y']!)
  })

  it('of a network that reads one array twice are that array, once', async () => {
    const twice: ModelCase = {
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['h'] },
        { op: 'MatMul', inputs: ['h', 'w'], outputs: ['y'] },
      ],
      inputs: { x: [-1, 3] },
      outputs: ['y'],
      values: { w: normal('w', [3, 3]) },
    }
    expect(Object.keys((await (await load(fileOf(modelBytes(twice)))).init(key, unlabelled([3]))).params)).toEqual(['w'])
  })
})

describe('what a dataset gives', () => {
  /** The sum of each channel of [n, 2, 3, 2] images. */
  const sums = (shape: readonly number[], axes: readonly number[]): string =>
    fileOf(
      modelBytes({
        nodes: [{ op: 'ReduceSum', inputs: ['x', 'axes'], outputs: ['y'], attrs: { keepdims: 0 } }],
        inputs: { x: shape },
        outputs: ['y'],
        values: { axes: value(axes, [axes.length], 'int32') },
      }),
    )
  const x = normal('pictures', [2, 3, 2, 2])
  const byChannel = [0, 1].flatMap((n) =>
    [0, 1].map((c) => Array.from({ length: 6 }, (_, i) => x.data[n * 12 + 2 * i + c]!).reduce((a, b) => a + b, 0)),
  )

  it('is images with channels last: a network with channels first gets them as it wants', async () => {
    close(await run(await load(sums([-1, 2, 3, 2], [2, 3])), { params: {}, frozen: {}, state: {} }, x), value(byChannel, [2, 2]))
    close(
      await run(await load(sums([-1, 3, 2, 2], [1, 2]), { layout: 'channels-last' }), { params: {}, frozen: {}, state: {} }, x),
      value(byChannel, [2, 2]),
    )
  })

  it('is flattened channel by channel, as networks with channels first are', async () => {
    const file = fileOf(modelBytes({ nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }], inputs: { x: [-1, 12] }, outputs: ['y'] }))
    close(await run(await load(file), { params: {}, frozen: {}, state: {} }, x), transposed(x, [0, 3, 1, 2]))
    close(await run(await load(file, { layout: 'channels-last' }), { params: {}, frozen: {}, state: {} }, x), x)
  })

  it('must fit the network', async () => {
    const model = await load(fixture)
    expect(() => model.init(key, { ...fixtureMeta, shapes: { x: { shape: [9, 8, 2], dtype: 'float32' } } })).toThrow(
      /OCK-ONNX-007.*\[any, 8, 8, 2\].*\[9,8,2\]/s,
    )
    expect(() => model.init(key, { ...fixtureMeta, classes: ['a', 'b'] })).toThrow(/OCK-ONNX-008.*3 outputs.*2 classes/s)
  })
})

describe('files that cannot be taken', () => {
  const refused = async (bytes: Uint8Array, options: Partial<OnnxOptions> = {}): Promise<InputError> => {
    const error: unknown = await load(fileOf(bytes), options).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(InputError)
    return error as InputError
  }

  it('name every operator that is not known, in one error', async () => {
    const strange: ModelCase = {
      nodes: [
        { op: 'LSTM', inputs: ['x'], outputs: ['a'] },
        { op: 'NonZero', inputs: ['a'], outputs: ['b'] },
        { op: 'com.microsoft.BiasGelu', inputs: ['b'], outputs: ['c'] },
        { op: 'LSTM', inputs: ['c'], outputs: ['y'] },
      ],
      inputs: { x: [-1, 2] },
      outputs: ['y'],
    }
    const { problems } = await refused(modelBytes(strange))
    expect(problems.map(({ code, what }) => `${code} ${what}`)).toEqual([
      'OCK-ONNX-005 the operator LSTM is not known here',
      'OCK-ONNX-005 the operator NonZero is not known here',
      'OCK-ONNX-005 the operator com.microsoft.BiasGelu is not known here',
    ])
    expect(problems[0]!.where).toMatch(/nodes "n0", "n3"/)
  })

  it('are no ONNX, cut off, or empty', async () => {
    const good = modelBytes(small)
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode('PK not a model'), good.slice(0, good.length - 7)])
      expect((await refused(bytes)).code).toMatch(/OCK-ONNX-00[234]/)
    await expect(load('/no/such.onnx')).rejects.toThrow(/OCK-DATA-010/)
  })

  it('are refused with a code whatever byte is changed, or read', async () => {
    const good = modelBytes(small)
    const bytes = key.fold('fuzz').integers([400], good.length).data
    const values = key.fold('value').integers([400], 256).data
    for (let i = 0; i < bytes.length; i++) {
      const bad = good.slice()
      bad[bytes[i]!] = values[i]!
      const made = await load(fileOf(bad, 'fuzz.onnx')).catch((e: unknown) => e)
      if (made instanceof Error) expect((made as InputError).code, made.stack).toMatch(/^OCK-ONNX-0/)
    }
  })

  const withTensor = (change: object): Uint8Array => {
    const model = decodeModel(modelBytes(small))
    const [first, ...rest] = model.graph.initializer
    return encodeModel({ ...model, graph: { ...model.graph, initializer: [{ ...first!, ...change }, ...rest] } })
  }

  it('declare sizes that their bytes do not have', async () => {
    for (const dims of [[3000000, 2], [3], [-1, 2], [2 ** 52, 2 ** 52]])
      expect((await refused(withTensor({ dims }))).code).toBe('OCK-ONNX-003')
    expect((await refused(withTensor({ dataType: 8 }))).message).toMatch(/OCK-ONNX-003.*element type number 8/s)
  })

  it('reach for files outside their folder', async () => {
    for (const location of ['/etc/passwd', '../../../etc/passwd', '', '.', 'absent.bin']) {
      const error = await refused(withTensor({ dataLocation: 1, externalData: [{ key: 'location', value: location }] }))
      expect(error.code).toBe('OCK-ONNX-003')
    }
    writeFileSync(fileOf(new Uint8Array(8), 'beside.bin'), new Uint8Array(8))
    const short = withTensor({
      dataLocation: 1,
      externalData: [
        { key: 'location', value: 'beside.bin' },
        { key: 'offset', value: '4' },
        { key: 'length', value: '24' },
      ],
    })
    expect((await refused(short)).message).toMatch(/bytes 4 to 28 are not in "beside\.bin"/)
  })

  it('read a name before it is made, or make it twice', async () => {
    const base = { inputs: { x: [-1, 2] }, outputs: ['y'] }
    expect((await refused(modelBytes({ ...base, nodes: [{ op: 'Relu', inputs: ['z'], outputs: ['y'] }] }))).message).toMatch(
      /OCK-ONNX-004.*"z"/s,
    )
    expect((await refused(modelBytes({ ...base, nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['x'] }] }))).code).toBe('OCK-ONNX-004')
    expect((await refused(modelBytes({ ...base, nodes: [] }))).code).toBe('OCK-ONNX-004')
  })

  it('have several inputs or outputs, of which one must be named', async () => {
    const two: ModelCase = {
      nodes: [
        { op: 'Relu', inputs: ['x'], outputs: ['y'] },
        { op: 'Add', inputs: ['x', 'u'], outputs: ['z'] },
      ],
      inputs: { x: [-1, 2], u: [-1, 2] },
      outputs: ['y', 'z'],
    }
    const file = fileOf(modelBytes(two))
    await expect(load(file)).rejects.toThrow(/OCK-ONNX-011.*2 outputs.*"y", "z"/s)
    await expect(load(file, { output: 'z', input: 'x' })).rejects.toThrow(/OCK-ONNX-011.*"u" beside "x"/s)
    close(
      await run(await load(file, { output: 'y' }), { params: {}, frozen: {}, state: {} }, value([-1, 2], [1, 2])),
      value([0, 2], [1, 2]),
    )
  })

  it('have sizes that follow from the data', async () => {
    const bytes = modelBytes({
      nodes: [
        { op: 'Cast', inputs: ['x'], outputs: ['s'], attrs: { to: 7 } },
        { op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] },
      ],
      inputs: { x: [-1] },
      outputs: ['y'],
    })
    await expect(run(await load(fileOf(bytes)), { params: {}, frozen: {}, state: {} }, value([2]))).rejects.toThrow(/OCK-ONNX-009.*"n1"/s)
  })
})

/** Where PyTorch can export, its networks; else why not. */
function exportedByTorch(): { readonly folder: string } | { readonly reason: string } {
  const python = process.env['PEERS_PYTHON'] ?? 'python3'
  const probe = spawnSync(python, ['-c', 'import torch, onnx, onnxscript'], { encoding: 'utf8' })
  if (probe.status !== 0) return { reason: `${python} has no torch, onnx and onnxscript (set PEERS_PYTHON to one that has)` }
  const folder = mkdtempSync(join(tmpdir(), 'ockham-torch-'))
  const made = spawnSync(python, [fileURLToPath(new URL('testing/networks.py', import.meta.url)), folder], { encoding: 'utf8' })
  return made.status === 0 ? { folder } : { reason: `torch.onnx.export failed: ${made.stderr.slice(-300)}` }
}

describe('networks exported by PyTorch', () => {
  let torch: ReturnType<typeof exportedByTorch>
  beforeAll(() => {
    torch = exportedByTorch()
  }, 180_000)

  it.for(['pictures', 'fixed-rows', 'plain', 'sequences'])(
    '%s gives what PyTorch gives, for another number of rows too',
    async (name, { skip }) => {
      if ('reason' in torch) return skip(torch.reason)
      const said = JSON.parse(readFileSync(join(torch.folder, `${name}.json`), 'utf8')) as Record<'x' | 'y' | 'shape', number[]>
      const model = await load(join(torch.folder, `${name}.onnx`), { softmax: 'keep' })
      const x = value(said.x, said.shape)
      const images = said.shape.length === 4 ? transposed(x, [0, 2, 3, 1]) : x
      const vars = await model.init(key, unlabelled(images.shape.slice(1)))
      expect(Object.keys(vars.params)).toContain('head.kernel')
      const y = value(said.y)
      close(await run(model, vars, images), y)
      const three = { ...images, shape: [3, ...images.shape.slice(1)], data: images.data.slice(0, (images.data.length / 4) * 3) }
      close(await run(model, vars, three), { ...y, data: y.data.slice(0, (y.data.length / 4) * 3) })
    },
  )
})

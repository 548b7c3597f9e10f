/* Every operator against ONNX Runtime itself, on the same file. */
import { hostKey, type Engine, type Value, type Variables } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { runFile } from '../../services/onnxruntime/export.js'
import { bind } from '../networks/index.js'
import { silent, value } from '../training/index.js'
import { onnx, onnxOptions } from './index.js'
import { ops } from './ops/index.js'
import { fileOf, modelBytes, type ModelCase, type NodeCase } from './testing.js'
import { transposed } from './transposed.js'

const key = hostKey(5)
const ints = (...of: number[]): Value => value(of, [of.length], 'int32')
const scalar = (x: number, dtype: 'float32' | 'int32' = 'float32'): Value => value([x], [], dtype)
const positive = (shape: readonly number[]): Value => {
  const draw = key.fold('positive').uniform(shape)
  return { ...draw, data: Float32Array.from(draw.data, (u) => u + 0.5) }
}
const normal = (name: string, shape: readonly number[]): Value => key.fold(name).normal(shape)

interface Case {
  /** Shape of the input; four axes are images with channels first. */
  readonly x: readonly number[]
  readonly nodes: readonly NodeCase[]
  readonly values?: Readonly<Record<string, Value>>
  readonly opset?: number
  readonly input?: Value
}

type Extra = Omit<Case, 'x' | 'nodes'>
const one = (x: readonly number[], op: string, attrs: NodeCase['attrs'] = {}, more: readonly string[] = [], extra: Extra = {}): Case => ({
  x,
  nodes: [{ op, inputs: ['x', ...more], outputs: ['y'], attrs }],
  ...extra,
})
const flat = [3, 4] as const
const image = [2, 4, 7, 6] as const
const conv = (w: readonly number[], attrs: NodeCase['attrs'] = {}, extra: Partial<Case> = {}): Case => ({
  x: image,
  nodes: [{ op: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['y'], attrs }],
  values: { w: normal('w', w), b: normal('b', [w[0]!]) },
  ...extra,
})
const back = (w: readonly number[], attrs: NodeCase['attrs'] = {}, extra: Partial<Case> = {}): Case => ({
  x: image,
  nodes: [{ op: 'ConvTranspose', inputs: ['x', 'w', 'b'], outputs: ['y'], attrs }],
  values: { w: normal('w', w), b: normal('b', [w[1]! * ((attrs['group'] as number | undefined) ?? 1)]) },
  ...extra,
})
/** Numbers between two, some of them equal to those of `asked`. */
const shifted = (low: number, high: number): Value => {
  const draw = key.fold('shifted').uniform(flat)
  return { ...draw, data: Float32Array.from(draw.data, (u) => low + (high - low) * u) }
}
const asked = (op: string): Case => ({
  x: flat,
  nodes: [
    { op, inputs: ['x', 'b'], outputs: ['c'] },
    { op: 'Cast', inputs: ['c'], outputs: ['y'], attrs: { to: 1 } },
  ],
  values: { b: value([0, 1, 2, 3]) },
  input: value([0, 1, 0, 1, 1, 2, 2, 2, -1, 0, 3, 3], flat),
})
const logical = (op: string): Case => ({
  x: flat,
  nodes: [
    { op: 'Greater', inputs: ['x', 'a'], outputs: ['p'] },
    { op: 'Less', inputs: ['x', 'b'], outputs: ['q'] },
    { op, inputs: ['p', 'q'], outputs: ['c'] },
    { op: 'Cast', inputs: ['c'], outputs: ['y'], attrs: { to: 1 } },
  ],
  values: { a: scalar(-0.2), b: scalar(0.4) },
})
const plain = 'Relu Sigmoid Tanh Erf Softplus Softsign HardSwish Mish Abs Neg Exp Sign Floor Ceil Round Sin Cos Atan Sinh Asinh Identity'

const cases: Record<string, Case> = {
  ...Object.fromEntries(plain.split(' ').map((op) => [op, one(flat, op)])),
  ...Object.fromEntries('Log Sqrt Reciprocal'.split(' ').map((op) => [op, one(flat, op, {}, [], { input: positive(flat) })])),
  ...Object.fromEntries('Tan Cosh Asin Acos Atanh'.split(' ').map((op) => [op, one(flat, op, {}, [], { input: shifted(-0.9, 0.9) })])),
  Acosh: one(flat, 'Acosh', {}, [], { input: shifted(1.1, 3) }),
  ...Object.fromEntries('Equal Greater GreaterOrEqual Less LessOrEqual'.split(' ').map((op) => [op, asked(op)])),
  ...Object.fromEntries('And Or Xor'.split(' ').map((op) => [op, logical(op)])),
  Mod: one(flat, 'Mod', { fmod: 1 }, ['b'], { values: { b: positive([4]) } }),
  Sum: one(flat, 'Sum', {}, ['b', 'x'], { values: { b: normal('c', [4]) } }),
  IsNaN: {
    x: flat,
    nodes: [
      { op: 'Sqrt', inputs: ['x'], outputs: ['r'] },
      { op: 'IsNaN', inputs: ['r'], outputs: ['c'] },
      { op: 'Cast', inputs: ['c'], outputs: ['y'], attrs: { to: 1 } },
    ],
  },
  FastGelu: one(flat, 'com.microsoft.FastGelu'),
  QuickGelu: one(flat, 'com.microsoft.QuickGelu', { alpha: { f: 1.5 } }),
  ReduceLogSum: one(flat, 'ReduceLogSum', {}, ['a'], { values: { a: ints(1) }, input: positive(flat) }),
  ArgMin: {
    x: flat,
    nodes: [
      { op: 'ArgMin', inputs: ['x'], outputs: ['i'], attrs: { axis: 0 } },
      { op: 'Cast', inputs: ['i'], outputs: ['y'], attrs: { to: 1 } },
    ],
  },
  'Size and OneHot': {
    x: flat,
    nodes: [
      { op: 'Size', inputs: ['x'], outputs: ['size'] },
      { op: 'ArgMax', inputs: ['x'], outputs: ['i'], attrs: { axis: 1, keepdims: 0 } },
      { op: 'OneHot', inputs: ['i', 'size', 'ends'], outputs: ['y'] },
    ],
    values: { ends: value([-1, 2]) },
  },
  Gelu: one(flat, 'Gelu', {}, [], { opset: 20 }),
  'Gelu, tanh': one(flat, 'Gelu', { approximate: 'tanh' }, [], { opset: 20 }),
  'Gelu of Microsoft': one(flat, 'com.microsoft.Gelu'),
  LeakyRelu: one(flat, 'LeakyRelu', { alpha: { f: 0.2 } }),
  Elu: one(flat, 'Elu', { alpha: { f: 0.7 } }),
  Celu: one(flat, 'Celu', { alpha: { f: 0.7 } }),
  Selu: one(flat, 'Selu'),
  HardSigmoid: one(flat, 'HardSigmoid', { alpha: { f: 0.3 } }),
  ThresholdedRelu: one(flat, 'ThresholdedRelu', { alpha: { f: 0.3 } }),
  PRelu: one(image, 'PRelu', {}, ['s'], { values: { s: normal('s', [4, 1, 1]) } }),
  Clip: one(flat, 'Clip', {}, ['a', 'b'], { values: { a: scalar(-0.5), b: scalar(0.3) } }),
  'Clip, operator set 10': one(flat, 'Clip', { min: { f: -0.5 }, max: { f: 0.3 } }, [], { opset: 10 }),
  'Add, by channel': one(image, 'Add', {}, ['b'], { values: { b: normal('c', [4, 1, 1]) } }),
  'Mul, by column': one(image, 'Mul', {}, ['b'], { values: { b: normal('c', [6]) } }),
  'Sub, from a number': { x: flat, nodes: [{ op: 'Sub', inputs: ['a', 'x'], outputs: ['y'] }], values: { a: scalar(2) } },
  Div: one(flat, 'Div', {}, ['b'], { values: { b: positive([4]) } }),
  Pow: one(flat, 'Pow', {}, ['b'], { values: { b: scalar(2) } }),
  Max: one(flat, 'Max', {}, ['b'], { values: { b: normal('c', [4]) } }),
  Min: one(flat, 'Min', {}, ['b'], { values: { b: normal('c', [4]) } }),
  Mean: one(flat, 'Mean', {}, ['b'], { values: { b: normal('c', [4]) } }),
  Where: {
    x: flat,
    nodes: [
      { op: 'Greater', inputs: ['x', 'zero'], outputs: ['c'] },
      { op: 'Not', inputs: ['c'], outputs: ['d'] },
      { op: 'Where', inputs: ['d', 'x', 'b'], outputs: ['y'] },
    ],
    values: { zero: scalar(0), b: normal('c', [4]) },
  },
  Cast: {
    x: flat,
    nodes: [
      { op: 'Cast', inputs: ['x'], outputs: ['i'], attrs: { to: 7 } },
      { op: 'Cast', inputs: ['i'], outputs: ['y'], attrs: { to: 1 } },
    ],
  },
  Gemm: one(flat, 'Gemm', { transB: 1, alpha: { f: 0.5 }, beta: { f: 2 } }, ['w', 'b'], {
    values: { w: normal('w', [5, 4]), b: normal('b', [5]) },
  }),
  'Gemm, transposed on the left': one(flat, 'Gemm', { transA: 1 }, ['w'], { values: { w: normal('w', [3, 5]) } }),
  MatMul: one([2, 3, 4], 'MatMul', {}, ['w'], { values: { w: normal('w', [4, 5]) } }),
  'MatMul with a bias': {
    x: flat,
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['m'] },
      { op: 'Add', inputs: ['b', 'm'], outputs: ['y'] },
    ],
    values: { w: normal('w', [4, 5]), b: normal('b', [5]) },
  },
  'MatMul from the left': { x: [4, 3], nodes: [{ op: 'MatMul', inputs: ['w', 'x'], outputs: ['y'] }], values: { w: normal('w', [5, 4]) } },
  FusedMatMul: one(flat, 'com.microsoft.FusedMatMul', { transB: 1, alpha: { f: 2 } }, ['w'], { values: { w: normal('w', [5, 4]) } }),
  Einsum: {
    x: flat,
    nodes: [{ op: 'Einsum', inputs: ['x', 'w'], outputs: ['y'], attrs: { equation: 'ij,jk->ik' } }],
    values: { w: normal('w', [4, 2]) },
  },
  Softmax: { x: [2, 3, 4], nodes: [{ op: 'Softmax', inputs: ['x'], outputs: ['y'], attrs: { axis: 1 } }] },
  'Softmax, operator set 11': one([2, 3, 4], 'Softmax', {}, [], { opset: 11 }),
  LogSoftmax: one(flat, 'LogSoftmax'),
  Conv: conv([5, 4, 3, 3]),
  'Conv with strides and uneven padding': conv([5, 4, 3, 2], { strides: [2, 1], pads: [1, 0, 2, 1] }),
  'Conv, dilated': conv([5, 4, 3, 3], { dilations: [2, 1], pads: [2, 1, 2, 1] }),
  'Conv, dilated with strides': conv([5, 4, 3, 3], { dilations: [2, 2], strides: [2, 2], pads: [2, 2, 2, 2] }),
  'Conv in groups': conv([6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
  'Conv by channel': conv([8, 1, 3, 3], { group: 4, strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  'Conv, padded below': conv([5, 4, 2, 2], { auto_pad: 'SAME_LOWER' }),
  'Conv of sequences': conv([5, 4, 3], { pads: [1, 2], strides: [2] }, { x: [2, 4, 9] }),
  ConvTranspose: back([4, 5, 3, 3]),
  'ConvTranspose with strides and uneven padding': back([4, 5, 3, 2], { strides: [2, 3], pads: [1, 0, 2, 1] }),
  'ConvTranspose, longer at the end': back([4, 5, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] }),
  'ConvTranspose, dilated': back([4, 5, 3, 2], { dilations: [2, 3], strides: [1, 2] }),
  'ConvTranspose in groups': back([4, 3, 3, 3], { group: 2, strides: [2, 2] }),
  'ConvTranspose, as long as wanted': back([4, 2, 3, 3], { strides: [3, 2], output_shape: [22, 13] }),
  'ConvTranspose, padded alike': back([4, 2, 4, 3], { strides: [3, 2], auto_pad: 'SAME_UPPER' }),
  'ConvTranspose of sequences': back([4, 5, 3], { pads: [1, 0], strides: [2] }, { x: [2, 4, 9] }),
  'Conv with weights that are read twice': {
    x: image,
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['h'], attrs: { pads: [1, 1, 1, 1] } },
      { op: 'Conv', inputs: ['h', 'w'], outputs: ['y'] },
    ],
    values: { w: normal('w', [4, 4, 3, 3]) },
  },
  MaxPool: one(image, 'MaxPool', { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] }),
  'MaxPool, rounded up': one(image, 'MaxPool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  AveragePool: one(image, 'AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  'AveragePool, padding counted': one(image, 'AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
  GlobalAveragePool: one(image, 'GlobalAveragePool'),
  GlobalMaxPool: one(image, 'GlobalMaxPool'),
  DepthToSpace: one([2, 8, 3, 2], 'DepthToSpace', { blocksize: 2 }),
  'DepthToSpace, columns first': one([2, 8, 3, 2], 'DepthToSpace', { blocksize: 2, mode: 'CRD' }),
  SpaceToDepth: one([2, 2, 4, 6], 'SpaceToDepth', { blocksize: 2 }),
  BatchNormalization: one(image, 'BatchNormalization', { epsilon: { f: 0.01 } }, ['s', 'b', 'm', 'v'], {
    values: { s: normal('s', [4]), b: normal('b', [4]), m: normal('m', [4]), v: positive([4]) },
  }),
  'BatchNormalization of rows': one(flat, 'BatchNormalization', {}, ['s', 'b', 'm', 'v'], {
    values: { s: normal('s', [4]), b: normal('b', [4]), m: normal('m', [4]), v: positive([4]) },
  }),
  LayerNormalization: one([2, 3, 4], 'LayerNormalization', {}, ['s', 'b'], { values: { s: normal('s', [4]), b: normal('b', [4]) } }),
  InstanceNormalization: one(image, 'InstanceNormalization', {}, ['s', 'b'], { values: { s: normal('s', [4]), b: normal('b', [4]) } }),
  GroupNormalization: one(image, 'GroupNormalization', { num_groups: 2 }, ['s', 'b'], {
    opset: 21,
    values: { s: normal('s', [4]), b: normal('b', [4]) },
  }),
  Dropout: one(flat, 'Dropout'),
  ...Object.fromEntries(
    'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare ReduceL1 ReduceL2 ReduceLogSumExp'
      .split(' ')
      .map((op) => [op, one([2, 3, 4], op, { keepdims: 0 }, ['a'], { values: { a: ints(-1, 1) } })]),
  ),
  'ReduceMean of pixels, operator set 11': one(image, 'ReduceMean', { axes: [2, 3] }, [], { opset: 11 }),
  'ReduceMax of channels': one(image, 'ReduceMax', {}, ['a'], { values: { a: ints(1) } }),
  ArgMax: {
    x: flat,
    nodes: [
      { op: 'ArgMax', inputs: ['x'], outputs: ['i'], attrs: { axis: 1, keepdims: 0 } },
      { op: 'Cast', inputs: ['i'], outputs: ['y'], attrs: { to: 1 } },
    ],
  },
  Flatten: one(image, 'Flatten'),
  Reshape: one(image, 'Reshape', {}, ['s'], { values: { s: ints(0, -1, 3) } }),
  'Reshape by arithmetic of shapes': {
    x: image,
    nodes: [
      { op: 'Shape', inputs: ['x'], outputs: ['s'] },
      { op: 'Gather', inputs: ['s', 'zero'], outputs: ['n'], attrs: { axis: 0 } },
      { op: 'Unsqueeze', inputs: ['n', 'front'], outputs: ['m'] },
      { op: 'Concat', inputs: ['m', 'rest'], outputs: ['t'], attrs: { axis: 0 } },
      { op: 'Reshape', inputs: ['x', 't'], outputs: ['y'] },
    ],
    values: { zero: scalar(0, 'int32'), front: ints(0), rest: ints(-1) },
  },
  Squeeze: { x: [3, 1, 4], nodes: [{ op: 'Squeeze', inputs: ['x', 'a'], outputs: ['y'] }], values: { a: ints(1) } },
  Unsqueeze: one(flat, 'Unsqueeze', {}, ['a'], { values: { a: ints(-1, 1) } }),
  Transpose: one(image, 'Transpose', { perm: [0, 3, 1, 2] }),
  'Transpose to channels last': {
    x: image,
    nodes: [
      { op: 'Transpose', inputs: ['x'], outputs: ['t'], attrs: { perm: [0, 2, 3, 1] } },
      { op: 'Add', inputs: ['t', 'b'], outputs: ['y'] },
    ],
    values: { b: normal('b', [4]) },
  },
  'Concat and Split of channels': {
    x: image,
    nodes: [
      { op: 'Split', inputs: ['x', 'sizes'], outputs: ['a', 'b'], attrs: { axis: 1 } },
      { op: 'Concat', inputs: ['b', 'x', 'a'], outputs: ['y'], attrs: { axis: 1 } },
    ],
    values: { sizes: ints(1, 3) },
  },
  Slice: one([4, 5, 6], 'Slice', {}, ['a', 'b', 'axes', 'steps'], {
    values: { a: ints(1, -1), b: ints(2 ** 31 - 1, -100), axes: ints(1, 2), steps: ints(2, -2) },
  }),
  'Slice, operator set 9': one(flat, 'Slice', { starts: [1], ends: [-1], axes: [1] }, [], { opset: 9 }),
  Gather: one([3, 4, 2], 'Gather', { axis: 1 }, ['i'], { values: { i: value([0, -1, 2, 2], [2, 2], 'int32') } }),
  GatherND: one([3, 4], 'GatherND', {}, ['i'], { values: { i: value([0, 1, 2, 3], [2, 2], 'int32') } }),
  Expand: one([3, 1], 'Expand', {}, ['s'], { values: { s: ints(2, 1, 4) } }),
  Tile: one(flat, 'Tile', {}, ['s'], { values: { s: ints(2, 3) } }),
  Pad: one(image, 'Pad', {}, ['p', 'v'], { values: { p: ints(0, 0, 1, 2, 0, 1, 0, 1), v: scalar(0.5) } }),
  'Pad, reflected': one(image, 'Pad', { mode: 'reflect' }, ['p'], { values: { p: ints(0, 0, 1, 2, 0, 0, 2, 1) } }),
  'Pad with the edge': one(image, 'Pad', { mode: 'edge' }, ['p'], { values: { p: ints(0, 0, 1, 2, 0, 0, 2, 1) } }),
  'Pad that cuts': one(image, 'Pad', {}, ['p'], { values: { p: ints(0, 0, -1, 0, 0, 0, 1, -2) } }),
  Trilu: one(flat, 'Trilu', { upper: 0 }),
  CumSum: one(flat, 'CumSum', { reverse: 1 }, ['a'], { values: { a: scalar(1, 'int32') } }),
  TopK: { x: flat, nodes: [{ op: 'TopK', inputs: ['x', 'k'], outputs: ['y', 'i'] }], values: { k: ints(2) } },
  'Range and ConstantOfShape': {
    x: flat,
    nodes: [
      { op: 'Range', inputs: ['a', 'b', 'c'], outputs: ['r'] },
      { op: 'ConstantOfShape', inputs: ['s'], outputs: ['z'] },
      { op: 'Add', inputs: ['x', 'r'], outputs: ['t'] },
      { op: 'Add', inputs: ['t', 'z'], outputs: ['y'] },
    ],
    values: { a: scalar(0), b: scalar(4), c: scalar(1), s: ints(3, 4) },
  },
}

const untried = ['CastLike', 'Swish', 'RMSNormalization', 'SimplifiedLayerNormalization']

describe('operators give what ONNX Runtime gives', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = createEngine(await interpreter())
  })
  afterAll(() => engine.dispose())

  it.each(Object.entries(cases))('%s', async (name, { x, nodes, values = {}, opset, input }) => {
    const given = input ?? normal(name, x)
    const shape: ModelCase = { nodes, inputs: { x: [-1, ...x.slice(1)] }, outputs: ['y'], values, ...(opset && { opset }) }
    const bytes = modelBytes(shape)
    const wanted = (await runFile(bytes, { x: given }))['y']!
    const model = await onnx(onnxOptions.parse({ file: fileOf(bytes), softmax: 'keep', layout: 'channels-first' }))
    const vars = await model.init(key, { task: 'unlabelled', splits: {}, shapes: {}, digest: '', licence: '' })
    const program = engine.compile((a: { vars: Variables; x: Tensor }) => ({ y: bind(model, a.vars, silent, false)(a.x) }))
    const { y } = await program({ vars, x: x.length === 4 ? transposed(given, [0, 2, 3, 1]) : given })
    program.dispose()
    expect(y.data.length).toBe(wanted.data.length)
    if (wanted.shape.length === y.shape.length) expect(y.shape).toEqual(wanted.shape)
    y.data.forEach((v, i) => expect(v).toBeCloseTo(wanted.data[i]!, 4))
  })

  it('are all of the table but those that are tfjs of the same name, or need a newer runtime', () => {
    const tried = new Set(Object.values(cases).flatMap(({ nodes }) => nodes.map((n) => n.op)))
    expect([...ops.keys()].filter((op) => !tried.has(op) && !op.startsWith('ockham.'))).toEqual(untried)
  })
})

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DatasetMeta, Value } from 'ockham'
import { attributeType, dataType, encodeModel, type AttributeProto, type TensorProto } from '../../services/onnxruntime/proto.js'

/** A network of our own export: 3 × 3 convolutions of 3 and 4 channels, a dense layer of 5, three classes; images of 8 × 8 with two channels. */
export const fixture = fileURLToPath(new URL('testing/cnn.onnx', import.meta.url))

/** What the fixture was made for. */
export const fixtureMeta: DatasetMeta = {
  task: 'classification',
  classes: ['a', 'b', 'c'],
  splits: {},
  shapes: { x: { shape: [8, 8, 2], dtype: 'float32' }, y: { shape: [], dtype: 'int32' } },
  digest: '',
  licence: '',
}

type Numbers = readonly number[]
export interface NodeCase {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Whole numbers, text and their lists; `{ f }` for floats. */
  readonly attrs?: Readonly<Record<string, number | string | Numbers | { readonly f: number }>>
}

export interface ModelCase {
  readonly nodes: readonly NodeCase[]
  /** Shape of each input; −1 is open. */
  readonly inputs: Readonly<Record<string, Numbers>>
  readonly outputs: readonly string[]
  readonly values?: Readonly<Record<string, Value>>
  readonly opset?: number
}

const attribute = (name: string, a: number | string | Numbers | { readonly f: number }): AttributeProto => {
  if (typeof a === 'number') return { name, type: attributeType.i, i: a }
  if (typeof a === 'string') return { name, type: attributeType.s, s: new TextEncoder().encode(a) }
  return 'f' in a ? { name, type: attributeType.f, f: a.f } : { name, type: attributeType.ints, ints: a }
}

/** Whole numbers are written as int64, as exporters do. */
export const tensorOf = (name: string, { shape, dtype, data }: Value): TensorProto => {
  const wide = dtype === 'int32' ? BigInt64Array.from(data, BigInt) : data
  const type = dtype === 'int32' ? dataType.int64 : dataType[dtype]
  return { name, dims: shape, dataType: type, rawData: new Uint8Array(wide.buffer, wide.byteOffset, wide.byteLength) }
}

const info = (name: string, shape: Numbers | undefined) => ({
  name,
  type: { tensorType: { elemType: 1, shape: { dim: (shape ?? []).map((d) => (d < 0 ? { dimParam: 'n' } : { dimValue: d })) } } },
})

/** Bytes of an ONNX file of these nodes. */
export const modelBytes = ({ nodes, inputs, outputs, values = {}, opset = 18 }: ModelCase): Uint8Array =>
  encodeModel({
    irVersion: 8,
    producerName: 'test',
    graph: {
      name: 'g',
      node: nodes.map(({ op, inputs: input, outputs: output, attrs = {} }, i) => {
        const [domain, opType] = op.startsWith('com.microsoft.') ? ['com.microsoft', op.slice(14)] : ['', op]
        return { name: `n${i}`, opType, domain, input, output, attribute: Object.entries(attrs).map(([name, a]) => attribute(name, a)) }
      }),
      initializer: Object.entries(values).map(([name, v]) => tensorOf(name, v)),
      input: Object.entries(inputs).map(([name, shape]) => info(name, shape)),
      // The runtime finds shapes by itself.
      output: outputs.map((name) => ({ name }) as ReturnType<typeof info>),
    },
    opsetImport: [
      { domain: '', version: opset },
      { domain: 'com.microsoft', version: 1 },
    ],
  })

const folder = mkdtempSync(join(tmpdir(), 'ockham-onnx-'))
let written = 0

/** A file in a folder of its own for tests. */
export function fileOf(bytes: Uint8Array, name = `m${written++}.onnx`): string {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}

import protobuf from 'protobufjs/light.js'

/** Numbers of ONNX' `TensorProto.DataType`. */
export const dataType = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const
export type ElementType = keyof typeof dataType

/** Numbers of `AttributeProto.AttributeType`. */
export const attributeType = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7 } as const

export interface TensorProto {
  readonly name?: string
  readonly dims: readonly number[]
  readonly dataType: number
  readonly rawData: Uint8Array
}

export interface AttributeProto {
  readonly name: string
  readonly type: number
  readonly f?: number
  readonly i?: number
  readonly s?: Uint8Array
  readonly t?: TensorProto
  readonly g?: GraphProto
  readonly floats?: readonly number[]
  readonly ints?: readonly number[]
}

export interface NodeProto {
  readonly name: string
  readonly opType: string
  readonly domain: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly attribute: readonly AttributeProto[]
}

export interface ValueInfoProto {
  readonly name: string
  readonly type: { readonly tensorType: { readonly elemType: number; readonly shape: { readonly dim: readonly Dimension[] } } }
}

export type Dimension = { readonly dimValue: number } | { readonly dimParam: string }

export interface GraphProto {
  readonly name: string
  readonly node: readonly NodeProto[]
  readonly initializer: readonly TensorProto[]
  readonly input: readonly ValueInfoProto[]
  readonly output: readonly ValueInfoProto[]
}

export interface ModelProto {
  readonly irVersion: number
  readonly producerName: string
  readonly graph: GraphProto
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[]
}

type Fields = Record<string, { id: number; type: string; rule?: 'repeated' }>
const one = (id: number, type: string) => ({ id, type })
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' as const })
const message = (fields: Fields) => ({ fields })

/** The part of onnx.proto that a model of ours uses; field numbers are those of the ONNX standard. */
const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: message({
      irVersion: one(1, 'int64'),
      producerName: one(2, 'string'),
      graph: one(7, 'GraphProto'),
      opsetImport: many(8, 'OperatorSetIdProto'),
    }),
    OperatorSetIdProto: message({ domain: one(1, 'string'), version: one(2, 'int64') }),
    GraphProto: message({
      node: many(1, 'NodeProto'),
      name: one(2, 'string'),
      initializer: many(5, 'TensorProto'),
      input: many(11, 'ValueInfoProto'),
      output: many(12, 'ValueInfoProto'),
    }),
    NodeProto: message({
      input: many(1, 'string'),
      output: many(2, 'string'),
      name: one(3, 'string'),
      opType: one(4, 'string'),
      attribute: many(5, 'AttributeProto'),
      domain: one(7, 'string'),
    }),
    AttributeProto: message({
      name: one(1, 'string'),
      f: one(2, 'float'),
      i: one(3, 'int64'),
      s: one(4, 'bytes'),
      t: one(5, 'TensorProto'),
      g: one(6, 'GraphProto'),
      floats: many(7, 'float'),
      ints: many(8, 'int64'),
      type: one(20, 'int32'),
    }),
    TensorProto: message({ dims: many(1, 'int64'), dataType: one(2, 'int32'), name: one(8, 'string'), rawData: one(9, 'bytes') }),
    ValueInfoProto: message({ name: one(1, 'string'), type: one(2, 'TypeProto') }),
    TypeProto: message({ tensorType: one(1, 'TensorTypeProto') }),
    TensorTypeProto: message({ elemType: one(1, 'int32'), shape: one(2, 'TensorShapeProto') }),
    TensorShapeProto: message({ dim: many(1, 'DimensionProto') }),
    DimensionProto: message({ dimValue: one(1, 'int64'), dimParam: one(2, 'string') }),
  },
})

const modelType = root.lookupType('ModelProto')

/** A model as the bytes of an `.onnx` file. */
export const encodeModel = (model: ModelProto): Uint8Array => modelType.encode(model).finish()

/** What an `.onnx` file of ours holds; for tests and for looking at what the runtime made of it. */
export const decodeModel = (bytes: Uint8Array): ModelProto =>
  modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true, defaults: false }) as unknown as ModelProto

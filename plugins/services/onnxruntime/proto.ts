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
  readonly rawData?: Uint8Array
  /** Where files of others keep numbers that are not in `rawData`, by type. */
  readonly floatData?: readonly number[]
  readonly int32Data?: readonly number[]
  readonly int64Data?: readonly number[]
  readonly doubleData?: readonly number[]
  /** 1 where the data are in another file. */
  readonly dataLocation?: number
  readonly externalData?: readonly { readonly key: string; readonly value: string }[]
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
  readonly strings?: readonly Uint8Array[]
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
  /** What a reader may like to know: names of classes. */
  readonly metadataProps?: readonly { readonly key: string; readonly value: string }[]
}

type Fields = Record<string, { id: number; type: string; rule?: 'repeated' }>
const one = (id: number, type: string) => ({ id, type })
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' as const })
const message = (fields: Fields) => ({ fields })

/** The part of onnx.proto that models of ours use and that is read of others'; field numbers are those of the ONNX standard. */
const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: message({
      irVersion: one(1, 'int64'),
      producerName: one(2, 'string'),
      graph: one(7, 'GraphProto'),
      opsetImport: many(8, 'OperatorSetIdProto'),
      metadataProps: many(14, 'StringStringEntryProto'),
    }),
    StringStringEntryProto: message({ key: one(1, 'string'), value: one(2, 'string') }),
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
      strings: many(9, 'bytes'),
      type: one(20, 'int32'),
    }),
    TensorProto: message({
      dims: many(1, 'int64'),
      dataType: one(2, 'int32'),
      floatData: many(4, 'float'),
      int32Data: many(5, 'int32'),
      int64Data: many(7, 'int64'),
      name: one(8, 'string'),
      rawData: one(9, 'bytes'),
      doubleData: many(10, 'double'),
      externalData: many(13, 'StringStringEntryProto'),
      dataLocation: one(14, 'int32'),
    }),
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

/** What an `.onnx` file holds, ours or another's, as far as the messages above go. Throws where the bytes are no such messages. */
export const decodeModel = (bytes: Uint8Array): ModelProto =>
  modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true, defaults: false }) as unknown as ModelProto

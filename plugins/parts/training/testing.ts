/* What tests of learning share: an engine to run on, a run that keeps nothing, data in memory. */
import type { Dataset, DatasetMeta, Engine, HostKey, RunEvent, Store, TypedArray, Value, Values } from 'ockham'
import { hostKey, memoryStore, PlacedRun } from 'ockham'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { onnxruntime } from '../../services/onnxruntime/index.js'
import { tfjsNode } from '../../services/tfjs-node/index.js'
import { map } from './trees.js'

/** A folder that has `@tensorflow/tfjs-node`, where there is one. */
const tensorflow = process.env['TFJS_NODE']

/** The engines that tests run on, by name: those that are always there, and TensorFlow's kernels where TFJS_NODE says where they are. */
export const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  interpreter: async () => createEngine(await interpreter()),
  onnxruntime: async () => createEngine(await onnxruntime()),
  ...(tensorflow && { 'tfjs-node': async () => createEngine(await tfjsNode({ from: [tensorflow] })) }),
}

export interface TestRunOptions {
  readonly seed?: number
  readonly store?: Store
  readonly signal?: AbortSignal
}

/** A run whose record lives in memory, and the events it emitted. */
export function testRun(engine: Engine, { seed = 0, store = memoryStore(), signal = new AbortController().signal }: TestRunOptions = {}) {
  const events: RunEvent[] = []
  const key: HostKey = hostKey(seed)
  const run = new PlacedRun({ key, engine, signal, store, path: [], timings: {}, record: (event) => void events.push(event) })
  return { run, events }
}

const cut = (v: Value, rows: Value): Value => {
  const width = v.data.length / v.shape[0]!
  const data = new (v.data.constructor as new (length: number) => TypedArray)(rows.data.length * width)
  rows.data.forEach((row, i) => data.set(v.data.subarray(row * width, (row + 1) * width), i * width))
  return { shape: [rows.data.length, ...v.shape.slice(1)], dtype: v.dtype, data }
}

/** A dataset of host arrays, one record of fields a split. */
export function inMemory(splits: Readonly<Record<string, Values>>, meta: Partial<DatasetMeta> = {}): Dataset {
  const fields = Object.values(splits)[0]!
  return {
    meta: {
      task: meta.classes ? 'classification' : 'regression',
      splits: map(splits, (of) => Object.values(of)[0]!.shape[0]!),
      shapes: map(fields, ({ shape, dtype }) => ({ shape: shape.slice(1), dtype })),
      digest: 'in memory',
      licence: 'none',
      ...meta,
    },
    read: (split, rows) => map(splits[split]!, (v) => cut(v, rows)),
  }
}

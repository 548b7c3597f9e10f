import { createHash } from 'node:crypto'
import { InputError } from 'ockham'
import type { Metric, Strings } from './types.js'

/** The caps of a batch that MLflow's servers hold to; bodies of other servers (1 MB) are kept to as well. */
export const caps = { all: 1000, params: 100, tags: 100, bytes: 900_000 } as const

/** The longest values that a server keeps whole; beyond, it cuts without a word. */
export const longest = { param: 6000, tag: 5000, key: 250 } as const

/** One request's worth. */
export interface Batch {
  readonly metrics: readonly Metric[]
  readonly params: Strings
  readonly tags: Strings
}

/** A key that servers accept: their character set, no path that leads elsewhere, 250 characters. */
export function keyOf(name: string): string {
  const key = name
    .replaceAll(/[^\p{L}\p{N}_\-. /:]/gu, '_')
    .replaceAll(/\/+/g, '/')
    .replaceAll(/^\/|\/$/g, '')
    .replaceAll(/(^|\/)\.+(?=\/|$)/g, '$1_')
  if (key === '') return '_'
  return key.length <= longest.key ? key : `${key.slice(0, longest.key - 9)}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`
}

/** A value as proto-JSON has it: what JSON has no number for is a string. */
export const written = (value: number): number | string =>
  Number.isNaN(value) ? 'NaN' : value === Infinity ? 'Infinity' : value === -Infinity ? '-Infinity' : value

/** The server would take any other for 0, store that, and drop what follows. */
export function whole(n: number, what: string): number {
  if (Number.isSafeInteger(n)) return n
  throw new InputError({ code: 'OCK-MLFLOW-011', what: `${what} must be a whole number, not ${n}`, remedy: 'round it when it is recorded' })
}

/** A metric as the server takes it. */
export const metricFields = ({ key, value, time, step, model }: Metric) => ({
  key,
  value: written(value),
  timestamp: whole(time, 'a time'),
  step: whole(step, 'a step'),
  ...(model === undefined ? {} : { model_id: model }),
})

/** Rough size in the request's body. */
const sizeOf = (m: Metric): number => m.key.length * 3 + 90
const pairSize = (key: string, value: string): number => Buffer.byteLength(key) + Buffer.byteLength(value) + 30

/** Cuts what is to be logged into batches within every cap; order is kept. `size`: entries a batch, for servers that take fewer. */
export function* batchesOf({ metrics = [], params = {}, tags = {} }: Partial<Batch>, size: number = caps.all): Generator<Batch> {
  let [m, p, t, bytes]: [Metric[], Record<string, string>, Record<string, string>, number] = [[], {}, {}, 0]
  let [np, nt] = [0, 0]
  const fits = (more: number, kind: 'm' | 'p' | 't'): boolean =>
    bytes + more <= caps.bytes && m.length + np + nt < size && (kind !== 'p' || np < caps.params) && (kind !== 't' || nt < caps.tags)
  const take = function* (more: number, kind: 'm' | 'p' | 't'): Generator<Batch> {
    if (!fits(more, kind) && m.length + np + nt > 0) {
      yield { metrics: m, params: p, tags: t }
      ;[m, p, t, bytes, np, nt] = [[], {}, {}, 0, 0, 0]
    }
    bytes += more
  }
  for (const [key, value] of Object.entries(params)) {
    yield* take(pairSize(key, value), 'p')
    p[key] = value
    np++
  }
  for (const [key, value] of Object.entries(tags)) {
    yield* take(pairSize(key, value), 't')
    t[key] = value
    nt++
  }
  for (const metric of metrics) {
    yield* take(sizeOf(metric), 'm')
    m.push(metric)
  }
  if (m.length + np + nt > 0) yield { metrics: m, params: p, tags: t }
}

/** Half of a batch, and the other half: to find what is wrong in it, or to fit a smaller cap. */
export function halves({ metrics, params, tags }: Batch): [Batch, Batch] {
  const entries = [
    ...Object.entries(params).map((e) => ({ param: e })),
    ...Object.entries(tags).map((e) => ({ tag: e })),
    ...metrics.map((metric) => ({ metric })),
  ]
  const middle = entries.length >> 1
  const of = (some: typeof entries): Batch => ({
    metrics: some.flatMap((e) => ('metric' in e ? [e.metric] : [])),
    params: Object.fromEntries(some.flatMap((e) => ('param' in e ? [e.param] : []))),
    tags: Object.fromEntries(some.flatMap((e) => ('tag' in e ? [e.tag] : []))),
  })
  return [of(entries.slice(0, middle)), of(entries.slice(middle))]
}

export const countOf = ({ metrics, params, tags }: Batch): number => metrics.length + Object.keys(params).length + Object.keys(tags).length

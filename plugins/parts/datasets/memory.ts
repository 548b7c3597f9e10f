import { createHash } from 'node:crypto'
import type { Dataset, DatasetMeta, HostKey, Scaling, Task, TypedArray, Value, Values } from 'ockham'
import { InputError } from 'ockham'
import { checkRows, gather, rowsOf, type Field } from './gather.js'

/** The fields of one split, of equally many rows. */
export type Fields = Readonly<Record<string, Field>>

/** Examples held in memory, and what is known of them. */
export interface Content {
  readonly task: Task
  readonly classes?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
  readonly features?: readonly string[] | undefined
  readonly licence: string
  readonly unit?: string | undefined
  readonly dependence?: string | undefined
  /** A split without `y` is unlabelled. */
  readonly splits: Readonly<Record<string, Fields>>
  /** Applied to `x`. */
  readonly scaling?: Scaling | undefined
  /** Whether the scaling follows from the rows of `train`. */
  readonly fitted?: boolean | undefined
  /** Applied to real-valued `y`. */
  readonly target?: Scaling | undefined
  readonly split?: string | undefined
  /** Reads rows of `x` changed at random by the key, and scaled. */
  readonly augmented?: ((x: Field, rows: TypedArray, scaling: Scaling | undefined, key: HostKey) => Value | Promise<Value>) | undefined
  /** Lets go of what reading needed; may be called again. */
  readonly dispose?: (() => Promise<void>) | undefined
}

/** SHA-256 of names, shapes and numbers, in the order of the names; scaling and augmentation are not content. */
function digestOf(splits: Content['splits']): string {
  const hash = createHash('sha256')
  for (const split of Object.keys(splits).sort())
    for (const name of Object.keys(splits[split]!).sort()) {
      const { shape, dtype, data } = splits[split]![name]!
      hash.update(JSON.stringify([split, name, shape, dtype, data.BYTES_PER_ELEMENT, data.length]))
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    }
  return hash.digest('hex')
}

const tally = (labels: TypedArray, kinds: number): number[] => {
  const counts = new Array<number>(kinds).fill(0)
  for (const label of labels) counts[label]!++
  return counts
}

const mapRecord = <T, U>(record: Readonly<Record<string, T>>, f: (x: T, name: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, x]) => [name, f(x, name)]))

/** Each field once, as some split has it. */
const everyField = (splits: Content['splits']): Fields =>
  Object.fromEntries(Object.values(splits).flatMap((fields) => Object.entries(fields)))

function metaOf({ task, classes, groups, features, splits, licence, unit, dependence }: Content): DatasetMeta {
  const countsOf = ({ y, group }: Fields): { class?: number[]; group?: number[] } => ({
    ...(classes && y && { class: tally(y.data, classes.length) }),
    ...(groups && group && { group: tally(group.data, groups.length) }),
  })
  return {
    task,
    ...(classes && { classes }),
    ...(groups && { groups }),
    ...(features && { features }),
    splits: mapRecord(splits, (fields) => rowsOf(Object.values(fields)[0]!)),
    shapes: mapRecord(everyField(splits), ({ shape, dtype }) => ({ shape, dtype })),
    ...((classes ?? groups) && { counts: mapRecord(splits, countsOf) }),
    digest: digestOf(splits),
    licence,
    ...(unit !== undefined && { unit }),
    ...(dependence !== undefined && { dependence }),
  }
}

/** The error for a split that a dataset lacks, naming those it has. `OCK-DATA-001` */
export const noSplit = (split: string, splits: Readonly<Record<string, unknown>>, where: string): InputError =>
  new InputError({
    code: 'OCK-DATA-001',
    what: `the dataset has no split '${split}'`,
    where,
    remedy: `use one of its splits: ${Object.keys(splits).join(', ')}`,
  })

/** A dataset of examples in memory. Its `split`, if given, must be one of its splits: `OCK-DATA-001`. */
export function memory(content: Content): Dataset {
  if (content.split !== undefined && !(content.split in content.splits)) throw noSplit(content.split, content.splits, 'option split')
  return over(content, metaOf(content))
}

function over(content: Content, meta: DatasetMeta): Dataset & { dispose?(): Promise<void> } {
  const { splits, scaling, fitted, target, split, augmented, dispose } = content
  const field = (name: string, of: Field, rows: TypedArray, key?: HostKey): Value | Promise<Value> => {
    if (name === 'y') return gather(of, rows, of.dtype === 'float32' ? target : undefined)
    if (name !== 'x') return gather(of, rows)
    return augmented && key ? augmented(of, rows, scaling, key) : gather(of, rows, scaling)
  }
  const read = (name: string, { data: rows }: { readonly data: TypedArray }, key?: HostKey): Values | Promise<Values> => {
    const fields = splits[name]
    if (!fields) throw noSplit(name, splits, `reading ${name}`)
    checkRows(rows, meta.splits[name]!, `reading ${name}`)
    const values = mapRecord(fields, (of, at) => field(at, of, rows, key))
    const { x } = values
    if (!(x instanceof Promise)) return values as Values
    return x.then((images) => ({ ...(values as Values), x: images }))
  }
  return {
    meta,
    read,
    ...(scaling && { scaling, ...(fitted && { fitted }) }),
    ...(target && { target }),
    ...(split !== undefined && { split }),
    ...(dispose && { dispose }),
    rescaled: (other) => over({ ...content, scaling: other, fitted: false }, meta),
  }
}

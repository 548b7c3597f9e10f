import type { Dataset, HostKey, Scaling, TypedArray, Value } from 'ockham'
import { InputError } from 'ockham'
import { drawChanges, type AugmentOptions } from './augment.js'
import type { Field } from './gather.js'
import { memory, type Content } from './memory.js'
import { fitPixels } from './scaling.js'
import { changed } from './workers/changed.js'
import { shared } from './workers/sources.js'
import { WorkerReader } from './workers/reader.js'

export interface ImageOptions {
  readonly normalise: boolean | Scaling
  readonly augment?: AugmentOptions | undefined
  readonly workers: number
  readonly split?: string | undefined
}

/** The scaling of images: given, none, or fitted to the split `train`, without one to the first split. */
function scalingOf(splits: Content['splits'], normalise: boolean | Scaling): Scaling | undefined {
  const { data, shape } = (splits['train'] ?? Object.values(splits)[0]!)['x']!
  const channels = shape.at(-1)!
  if (typeof normalise !== 'object') return normalise ? fitPixels(data as Uint8Array, channels) : undefined
  const { mean, std } = normalise
  if ([mean, std].every((of) => of.length === 1 || of.length === channels)) return normalise
  throw new InputError({
    code: 'OCK-DATA-018',
    what: `normalise has ${mean.length} means and ${std.length} standard deviations, and the images have ${channels} ${channels === 1 ? 'channel' : 'channels'}`,
    where: 'option normalise',
    remedy: channels === 1 ? 'give one of each' : `give ${channels} of each, or one`,
  })
}

/** A dataset of images held as bytes, [height, width, channels], normalised and augmented as the options say. */
export function images(content: Omit<Content, 'scaling' | 'fitted' | 'augmented' | 'dispose' | 'split'>, options: ImageOptions): Dataset {
  const { augment, workers, normalise, split } = options
  const scaled = { ...content, scaling: scalingOf(content.splits, normalise), fitted: normalise === true, split }
  if (!augment) return memory(scaled)
  const drawn = (rows: TypedArray, key: HostKey): Float64Array => drawChanges(augment, rows.length, key)
  if (workers === 0)
    return memory({ ...scaled, augmented: (x, rows, scaling, key) => changed(x, rows, { augment, scaling, changes: drawn(rows, key) }) })
  const splits = Object.fromEntries(Object.entries(content.splits).map(([name, fields]) => [name, { ...fields, x: shared(fields['x']!) }]))
  const reader = new WorkerReader(workers)
  const augmented = (x: Field, rows: TypedArray, scaling: Scaling | undefined, key: HostKey): Value | Promise<Value> =>
    reader.read(x, rows, { augment, scaling, changes: drawn(rows, key) })
  return memory({ ...scaled, splits, augmented, dispose: () => reader.dispose() })
}

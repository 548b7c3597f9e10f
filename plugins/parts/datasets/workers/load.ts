import { InputError, type Fault } from 'ockham'
import { cover, decodeImage, withChannels, type Extent, type Picture } from '../../images/index.js'
import { readBytes } from '../files.js'

/** A picture on disk, or its bytes, and the name that errors give. */
export interface Source {
  readonly name: string
  readonly bytes?: Uint8Array
}

/** Pictures to decode into rows `first`, `first + 1`, … of `pixels`, [n, height, width, channels]. */
export interface Loading {
  readonly sources: readonly Source[]
  readonly first: number
  readonly pixels: Uint8Array
  readonly size: Extent
  readonly channels: 1 | 3
  /** Whether pictures of another size are scaled and cut to it. */
  readonly scaled: boolean
}

/** Faults that one load lists; the rest are counted. */
const LISTED = 10

export async function readPicture({ name, bytes }: Source, channels: 1 | 3): Promise<Picture> {
  return withChannels(decodeImage(bytes ?? (await readBytes(name)), name), channels)
}

/** Decodes every source. What is wrong with any of them is one InputError: `OCK-DATA-070` not decodable, `072` another size. */
export async function load({ sources, first, pixels, size, channels, scaled }: Loading): Promise<void> {
  const width = size.height * size.width * channels
  const faults: Fault[] = []
  for (const [i, source] of sources.entries()) {
    try {
      const picture = await readPicture(source, channels)
      const fits = picture.height === size.height && picture.width === size.width
      if (fits || scaled) pixels.set((fits ? picture : cover(picture, size)).data, (first + i) * width)
      else
        faults.push({
          code: 'OCK-DATA-072',
          what: `the picture is ${picture.height} × ${picture.width} pixels, and the first is ${size.height} × ${size.width}`,
          where: source.name,
          remedy: 'set the option size, to which all are scaled and cut',
        })
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      faults.push(...error.problems)
    }
  }
  if (faults.length === 0) return
  const more = faults.length - LISTED
  const rest: Fault[] = more > 0 ? [{ code: faults[LISTED]!.code, what: `${more} more pictures with faults like these` }] : []
  throw new InputError([...faults.slice(0, LISTED), ...rest])
}

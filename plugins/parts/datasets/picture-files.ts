import { existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError, Problems } from 'ockham'
import { readTar, type Extent } from '../images/index.js'
import { readBytes } from './files.js'
import { load, readPicture, type Loading, type Source } from './workers/load.js'
import { lease } from './workers/pool.js'
import { START } from './workers/reader.js'

/** A picture by its place among splits and classes. */
export interface Filed extends Source {
  readonly split: string | undefined
  readonly class: string
}

const isArchive = (name: string): boolean => /\.(tar|tar\.gz|tgz)$/i.test(name)
const isPicture = (name: string): boolean => /\.(jpe?g|png)$/i.test(name)

/** Files below a folder, or in a tar archive, by name; of a folder without pictures that holds one archive, the archive's. */
export async function filesBelow(root: string): Promise<Source[]> {
  if (!existsSync(root))
    throw new InputError({ code: 'OCK-DATA-010', what: 'the folder does not exist', where: root, remedy: 'check the path' })
  if (statSync(root).isFile()) {
    const entries = await readTar(await readBytes(root), root)
    return entries.map(({ name, bytes }) => ({ name: `${root}/${name}`, bytes }))
  }
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  const names = found.flatMap((e) => (e.isFile() ? [join(e.parentPath, e.name)] : [])).sort()
  const archives = names.filter(isArchive)
  if (archives.length === 1 && !names.some(isPicture)) return filesBelow(archives[0]!)
  return names.map((name) => ({ name }))
}

/** Pictures as `<class>/<file>`, or `<split>/<class>/<file>` where the folders above are `splits`. Errors: `OCK-DATA-074` none, or elsewhere. */
export function filed(files: readonly Source[], root: string, splits: readonly string[]): Filed[] {
  const pictures = files
    .filter(({ name }) => isPicture(name))
    .map((file) => ({ ...file, path: file.name.slice(root.length).split(/[\\/]+/) }))
  const placed = pictures.map(({ path, ...file }) => ({ ...file, class: path.at(-2) ?? '', above: path.at(-3) ?? '' }))
  const divided = placed.some(({ above }) => splits.includes(above))
  const astray = placed.find((p) => p.class === '' || (divided && !splits.includes(p.above)))
  if (placed.length > 0 && !astray) return placed.map(({ above, ...file }) => ({ ...file, split: divided ? above : undefined }))
  throw new InputError({
    code: 'OCK-DATA-074',
    what: astray ? `the picture is in no folder of a class${divided ? ' of a split' : ''}` : 'there are no .jpg, .jpeg or .png files',
    where: astray?.name ?? root,
    remedy: `put pictures at <class>/<file>, or <split>/<class>/<file> with splits among ${splits.join(', ')}`,
  })
}

export interface Decoding {
  /** Size of all pictures; without one, that of the first, which the others must have. */
  readonly size?: Extent | undefined
  readonly channels: 1 | 3
  readonly workers: number
}

/** Pictures that are decoded at once, here or by a worker. */
const CHUNK = 256

/** Bytes of their own: a view would be sent with all of the archive behind it. */
const apart = (sources: readonly Source[]): Source[] =>
  sources.map(({ name, bytes }) => (bytes ? { name, bytes: bytes.slice() } : { name }))

/**
 * Every picture as bytes [n, height, width, channels], decoded here and in workers. Errors: `OCK-DATA-070`, `072`, with the file's name.
 */
export async function decodeAll(
  sources: readonly Source[],
  { size, channels, workers }: Decoding,
): Promise<{ pixels: Uint8Array; size: Extent }> {
  const { height, width } = size ?? (await readPicture(sources[0]!, channels))
  const bytes = sources.length * height * width * channels
  const pixels = new Uint8Array(workers > 0 ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes))
  const about = { pixels, size: { height, width }, channels, scaled: size !== undefined }
  const starts = Array.from({ length: Math.ceil(sources.length / CHUNK) }, (_, i) => i * CHUNK)
  const loading = (first: number): Loading => ({ ...about, first, sources: sources.slice(first, first + CHUNK) })
  // From the front here, and from the back by workers once it has taken longer than they take to start.
  const helpers = lease(workers)
  const problems = new Problems()
  let [next, end] = [0, starts.length]
  const help = async (): Promise<void> => {
    while (next < end) {
      const chunk = loading(starts[--end]!)
      await problems.during(() => helpers.ask({ type: 'load', loading: { ...chunk, sources: apart(chunk.sources) } }))
    }
  }
  const helping: Promise<void>[] = []
  const began = performance.now()
  try {
    while (next < end) {
      const chunk = loading(starts[next++]!)
      await problems.during(() => load(chunk))
      const late = performance.now() - began > START
      while (late && next < end && helping.length < workers) helping.push(help())
      // Answers of workers are heard in between.
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(helping)
  } finally {
    await helpers.release()
  }
  problems.check()
  return { pixels, size: { height, width } }
}

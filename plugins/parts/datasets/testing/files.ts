import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { InputError, type Dataset, type Fault, type Value, type Values } from 'ockham'

/** A fresh folder for one test. */
export const folder = (): string => mkdtempSync(join(tmpdir(), 'ockham-datasets-'))

/** An IDX file of unsigned bytes. */
export function idxBytes(magic: number, sizes: readonly number[], data: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * sizes.length + data.length)
  const view = new DataView(bytes.buffer)
  for (const [i, n] of [magic, ...sizes].entries()) view.setUint32(4 * i, n)
  bytes.set(Array.from(data), 4 + 4 * sizes.length)
  return bytes
}

/** Writes a file and returns its path; `.gz` names are packed. */
export function put(root: string, name: string, content: string | Uint8Array): string {
  const file = join(root, name)
  writeFileSync(file, name.endsWith('.gz') ? gzipSync(content) : content)
  return file
}

/** Images 2 × 2 of grey 10 · row and labels, as `<prefix>-…-ubyte.gz`. */
export function putPair(root: string, prefix: string, labels: readonly number[]): void {
  const pixels = labels.flatMap((_, row) => [10 * row, 10 * row, 10 * row, 10 * row])
  put(root, `${prefix}-images-idx3-ubyte.gz`, idxBytes(2051, [labels.length, 2, 2], pixels))
  put(root, `${prefix}-labels-idx1-ubyte.gz`, idxBytes(2049, [labels.length], labels))
}

/** The faults of the InputError that `work` throws. */
export async function faults(work: () => unknown): Promise<readonly Fault[]> {
  try {
    await work()
  } catch (error) {
    if (error instanceof InputError) return error.problems
    throw error
  }
  throw new Error('nothing was thrown')
}

export const rows = (...of: number[]): Value => ({ shape: [of.length], dtype: 'int32', data: Int32Array.from(of) })

/** All rows of a split. */
export const all = async (dataset: Dataset, split: string): Promise<Values> =>
  dataset.read(split, rows(...Array.from({ length: dataset.meta.splits[split]! }, (_, i) => i)))

/** A path in the data beside the repository, or undefined, with a line that says so. */
export function shared(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../../../shared/data/${name}`, import.meta.url))
  if (existsSync(path)) return path
  process.stderr.write(`skipped: ../shared/data/${name} is not there\n`)
  return undefined
}

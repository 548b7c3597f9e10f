import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Token ids one after another, read at any place. */
export interface Store {
  readonly length: number
  append(ids: Int32Array): void
  /** Ids `from` to `to`, fewer at the end. */
  read(from: number, to: number): Int32Array
  close(): void
}

/** Ids that stay in memory: 64 MB. */
export const kept = 1 << 24

/** Ids in memory, and in a temporary file from the moment there are more than `most`. */
export function store(most = kept): Store {
  let ids = new Int32Array(1 << 12)
  let length = 0
  let spool: { readonly handle: number; readonly folder: string } | undefined

  const bytes = (of: Int32Array): Uint8Array => new Uint8Array(of.buffer, of.byteOffset, of.byteLength)
  const spill = (): void => {
    const folder = mkdtempSync(join(tmpdir(), 'ockham-text-'))
    spool = { folder, handle: openSync(join(folder, 'tokens'), 'w+') }
    writeSync(spool.handle, bytes(ids.subarray(0, length)))
    ids = new Int32Array(0)
  }
  return {
    get length() {
      return length
    },
    append(more) {
      if (!spool && length + more.length > most) spill()
      if (spool) writeSync(spool.handle, bytes(more), 0, more.byteLength, 4 * length)
      else {
        if (length + more.length > ids.length) {
          const larger = new Int32Array(Math.max(2 * ids.length, length + more.length))
          larger.set(ids)
          ids = larger
        }
        ids.set(more, length)
      }
      length += more.length
    },
    read(from, to) {
      const end = Math.min(to, length)
      if (!spool) return ids.slice(from, end)
      const out = new Int32Array(Math.max(0, end - from))
      let got = 0
      while (got < out.byteLength) got += readSync(spool.handle, bytes(out), got, out.byteLength - got, 4 * from + got)
      return out
    },
    close() {
      if (!spool) return
      closeSync(spool.handle)
      rmSync(spool.folder, { recursive: true, force: true })
      spool = undefined
    },
  }
}

const piece = 1 << 20

/** Ids that stores hold, and one more where it is given, in rising order. */
export function used(stores: Iterable<Store>, more?: number): number[] {
  const seen = new Set<number>(more === undefined ? [] : [more])
  for (const tokens of stores) for (let at = 0; at < tokens.length; at += piece) for (const id of tokens.read(at, at + piece)) seen.add(id)
  return [...seen].sort((a, b) => a - b)
}

/** The same tokens by their places in `kept`; what is appended is by place already. */
export function renumbered(tokens: Store, kept: readonly number[]): Store {
  const numbers = new Map(kept.map((id, i) => [id, i]))
  return {
    get length() {
      return tokens.length
    },
    append: (ids) => tokens.append(ids.map((number) => kept[number]!)),
    read: (from, to) => tokens.read(from, to).map((id) => numbers.get(id)!),
    close: () => tokens.close(),
  }
}

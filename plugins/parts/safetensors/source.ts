import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { InputError } from 'ockham'

/** Bytes that are read in pieces, so that a file larger than what is wanted of it never lies in memory whole. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number
  /** A copy of `length` bytes from `at`, at the beginning of a buffer of its own. The caller stays inside `size`. */
  read(at: number, length: number): Uint8Array<ArrayBuffer>
  close(): void
}

/** A source over bytes in memory. */
export const memorySource = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: (at, length) => {
    const own = new Uint8Array(length)
    own.set(bytes.subarray(at, at + length))
    return own
  },
  close: () => undefined,
})

/** A source over a file, held open until `close`. Throws `OCK-SAFETENSORS-012` where it cannot be opened. */
export function fileSource(path: string): ByteSource {
  let handle: number
  try {
    handle = openSync(path, 'r')
  } catch (cause) {
    throw new InputError({ code: 'OCK-SAFETENSORS-012', what: 'the file cannot be read', where: path, remedy: 'check the path' }, { cause })
  }
  return {
    size: fstatSync(handle).size,
    read: (at, length) => {
      const own = new Uint8Array(length)
      let got = 0
      while (got < length) {
        const n = readSync(handle, own, got, length - got, at + got)
        if (n === 0) throw new InputError({ code: 'OCK-SAFETENSORS-013', what: 'the file became shorter while it was read', where: path })
        got += n
      }
      return own
    },
    close: () => closeSync(handle),
  }
}

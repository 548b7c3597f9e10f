import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { InputError } from 'ockham'

const inflate = promisify(gunzip)

/** Without Node's subclass, whose arrays behave otherwise when copied. */
const plain = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength)

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** The bytes of a file, unpacked where they are gzip, whole and checked. Errors: `OCK-DATA-010` unreadable, `OCK-DATA-011` broken gzip. */
export async function readBytes(file: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new InputError(
      {
        code: 'OCK-DATA-010',
        what: missing ? 'the file does not exist' : `the file cannot be read: ${(cause as Error).message}`,
        where: file,
        remedy: 'check the path, which is relative to the folder that the command runs in',
      },
      { cause },
    )
  }
  if (!isGzip(bytes)) {
    if (!file.endsWith('.gz')) return plain(bytes)
    throw new InputError({
      code: 'OCK-DATA-011',
      what: 'the file is not gzip, although its name ends in .gz',
      where: file,
      remedy: 'download it again, or rename it',
    })
  }
  try {
    return plain(await inflate(bytes))
  } catch (cause) {
    throw new InputError(
      {
        code: 'OCK-DATA-011',
        what: `the gzip data is cut off or damaged: ${(cause as Error).message}`,
        where: file,
        remedy: 'download the file again',
      },
      { cause },
    )
  }
}

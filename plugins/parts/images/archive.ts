import { unpackTar } from 'modern-tar'
import { InputError } from 'ockham'

/** A file inside an archive. */
export interface Entry {
  /** Path inside the archive, with slashes. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** The files of a tar archive, by name; `bytes` are its content, unpacked. Errors: `OCK-DATA-071` not a tar archive, or cut off. */
export async function readTar(bytes: Uint8Array, file: string): Promise<Entry[]> {
  try {
    const entries = await unpackTar(bytes, { strict: true })
    if (entries.length === 0) throw new Error('there are no entries')
    return entries
      .flatMap(({ header, data }) => (header.type === 'file' && data ? [{ name: header.name.replace(/^\.\//, ''), bytes: data }] : []))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (cause) {
    throw new InputError(
      {
        code: 'OCK-DATA-071',
        what: `the file is no whole tar archive: ${(cause as Error).message}`,
        where: file,
        remedy: 'download it again',
      },
      { cause },
    )
  }
}

import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { InputError } from 'ockham'

/** How a file is cut: at every line, at a separator, or nowhere but where a piece becomes long. */
export type Unit = 'lines' | 'documents' | 'stream'

const piece = 1 << 20

/** The text of a file in pieces of about a megabyte, none of which ends within a character. Throws `OCK-TEXT-001`. */
export function* pieces(path: string): Generator<string> {
  let handle: number
  try {
    handle = openSync(path, 'r')
  } catch (cause) {
    const what = existsSync(path) ? 'the file cannot be read' : 'the file does not exist'
    throw new InputError({ code: 'OCK-TEXT-001', what, where: path, remedy: 'check the path' }, { cause })
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    const bytes = new Uint8Array(piece)
    for (let n = readSync(handle, bytes); n > 0; n = readSync(handle, bytes)) yield decoder.decode(bytes.subarray(0, n), { stream: true })
    yield decoder.decode()
  } catch (cause) {
    const wrong =
      cause instanceof TypeError
        ? { what: 'the file is not text in UTF-8', remedy: 'convert it, for instance with iconv -t utf-8' }
        : { what: 'the file cannot be read', remedy: 'give a file, not a folder' }
    throw new InputError({ code: 'OCK-TEXT-001', where: path, ...wrong }, { cause })
  } finally {
    closeSync(handle)
  }
}

/**
 * The documents of a file, read once from its beginning: what lies between separators (lines: line ends, a carriage return before one dropped),
 * empty ones left out. A stream's documents are its pieces, cut after a line end where there is one.
 */
export function* documents(path: string, unit: Unit, separator: string): Generator<string> {
  const cut = unit === 'documents' ? separator : '\n'
  let rest = ''
  for (const text of pieces(path)) {
    rest += text
    if (unit === 'stream') {
      const end = rest.lastIndexOf('\n') + 1
      if (end > 0) yield rest.slice(0, end)
      rest = rest.slice(end)
      continue
    }
    const parts = rest.split(cut)
    rest = parts.pop()!
    for (const part of parts) yield* trimmed(part, unit)
  }
  yield* trimmed(rest, unit)
}

function* trimmed(part: string, unit: Unit): Generator<string> {
  const kept = unit === 'lines' && part.endsWith('\r') ? part.slice(0, -1) : part
  if (kept !== '') yield kept
}

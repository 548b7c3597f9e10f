import type { Value } from 'ockham'

/** A file that numbers were read from. */
export interface Origin {
  readonly path: string
  /** SHA-256 of its bytes, hexadecimal; computed when it is asked for. */
  digest(): string
}

/** Of each array as it came from its file; an array that was changed is another one. */
const known = new WeakMap<Value, Origin>()

/** Remembers that arrays are those of a file, so that what is frozen of them need not be saved again. */
export function markPublished(values: Readonly<Record<string, Value>>, origin: Origin): void {
  for (const v of Object.values(values)) known.set(v, origin)
}

/** The file that an array came from, if it did. */
export const publishedIn = (v: Value): Origin | undefined => known.get(v)

/** Writes small GGUF files for tests: metadata in the order given, tensors of raw bytes. */
export interface Field {
  readonly key: string
  readonly type: number
  /** Bytes of the value as the format has it. */
  readonly bytes: Uint8Array
}

export interface RawTensor {
  readonly name: string
  /** Fastest axis first, as in the file. */
  readonly axes: readonly number[]
  readonly type: number
  readonly bytes: Uint8Array
}

const text = (s: string): Uint8Array => {
  const utf8 = new TextEncoder().encode(s)
  return joined([u64(utf8.length), utf8])
}

export function u32(n: number): Uint8Array {
  const b = new Uint8Array(4)
  new DataView(b.buffer).setUint32(0, n, true)
  return b
}

export function u64(n: number): Uint8Array {
  const b = new Uint8Array(8)
  new DataView(b.buffer).setBigUint64(0, BigInt(n), true)
  return b
}

function f32(x: number): Uint8Array {
  const b = new Uint8Array(4)
  new DataView(b.buffer).setFloat32(0, x, true)
  return b
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    all.set(p, at)
    at += p.length
  }
  return all
}

export const field = {
  u32: (key: string, n: number): Field => ({ key, type: 4, bytes: u32(n) }),
  f32: (key: string, x: number): Field => ({ key, type: 6, bytes: f32(x) }),
  bool: (key: string, yes: boolean): Field => ({ key, type: 7, bytes: Uint8Array.of(yes ? 1 : 0) }),
  text: (key: string, s: string): Field => ({ key, type: 8, bytes: text(s) }),
  texts: (key: string, items: readonly string[]): Field => ({
    key,
    type: 9,
    bytes: joined([u32(8), u64(items.length), ...items.map(text)]),
  }),
  ints: (key: string, items: readonly number[]): Field => ({ key, type: 9, bytes: joined([u32(5), u64(items.length), ...items.map(u32)]) }),
}

/** The file of fields and tensors, version 3, alignment 32. */
export function encodeGguf(fields: readonly Field[], tensors: readonly RawTensor[]): Uint8Array {
  const padded = tensors.map((t) => Math.ceil(t.bytes.length / 32) * 32)
  let offset = 0
  const entries = tensors.map((t, i) => {
    const entry = joined([text(t.name), u32(t.axes.length), ...t.axes.map(u64), u32(t.type), u64(offset)])
    offset += padded[i]!
    return entry
  })
  const header = joined([
    u32(0x46554747),
    u32(3),
    u64(tensors.length),
    u64(fields.length),
    ...fields.flatMap((f) => [text(f.key), u32(f.type), f.bytes]),
    ...entries,
  ])
  const start = Math.ceil(header.length / 32) * 32
  const file = new Uint8Array(start + offset)
  file.set(header)
  let at = start
  for (const [i, t] of tensors.entries()) {
    file.set(t.bytes, at)
    at += padded[i]!
  }
  return file
}

import { hostKey, InputError, type Value } from 'ockham'
import { describe, expect, it } from 'vitest'
import { memorySource } from '../safetensors/index.js'
import { openGguf } from './index.js'
import { encodeGguf, field, joined, u32, u64 } from './testing.js'

/** Two blocks of pseudo-random bytes, with half-precision scales where the layout has them: ½ and −¼ times the block's number. */
function pattern(bytes: number, scales: Readonly<Record<number, number>>): Uint8Array {
  const b = Uint8Array.from({ length: 2 * bytes }, (_, i) => i * i * 37 + i * 11 + 5)
  const bits: Readonly<Record<number, number>> = { 0.5: 0x3800, 1: 0x3c00, [-0.25]: 0xb400, [-0.5]: 0xb800 }
  for (const block of [0, 1])
    for (const [at, scale] of Object.entries(scales)) {
      const half = bits[scale * (block + 1)]!
      b.set([half & 255, half >> 8], block * bytes + Number(at))
    }
  return b
}

// Sums from the reference package `gguf` (0.17, Python) on the same bytes.
const golden = [
  { type: 2, name: 'Q4_0', size: 32, bytes: 18, scales: { 0: 0.5 }, sum: 12.5, weighted: 564.5, ends: [3.5, 1] },
  { type: 3, name: 'Q4_1', size: 32, bytes: 20, scales: { 0: 0.5, 2: -0.25 }, sum: 360.5, weighted: 13624, ends: [0.25, 7.5] },
  { type: 6, name: 'Q5_0', size: 32, bytes: 22, scales: { 0: 0.5 }, sum: 72.5, weighted: 2945.5, ends: [5.5, 1] },
  { type: 7, name: 'Q5_1', size: 32, bytes: 24, scales: { 0: 0.5, 2: -0.25 }, sum: 796.5, weighted: 31089, ends: [14.25, 3.5] },
  { type: 8, name: 'Q8_0', size: 32, bytes: 34, scales: { 0: 0.5 }, sum: 16, weighted: 6592, ends: [-40.5, -77] },
  { type: 12, name: 'Q4_K', size: 256, bytes: 144, scales: { 0: 0.5, 2: -0.25 }, sum: 110128, weighted: 32936088, ends: [9.75, 194.5] },
  { type: 14, name: 'Q6_K', size: 256, bytes: 210, scales: { 208: 0.5 }, sum: -10420, weighted: -3071704, ends: [-379.5, -1700] },
]

const numbers = ({ data }: Value): number[] => Array.from(data)

describe('element types', () => {
  it.each(golden)('$name agrees with the reference', ({ type, size, bytes, scales, sum, weighted, ends }) => {
    const raw = pattern(bytes, scales)
    const file = openGguf(memorySource(encodeGguf([], [{ name: 'w', axes: [size, 2], type, bytes: raw }])))
    const w = file.load('w')
    expect(w.shape).toEqual([2, size])
    const y = numbers(w)
    expect(y.reduce((a, b) => a + b, 0)).toBe(sum)
    expect(y.reduce((a, b, i) => a + b * (i + 1), 0)).toBe(weighted)
    expect([y[0], y.at(-1)]).toEqual(ends)
  })

  it('reads floats exactly', () => {
    const file = openGguf(
      memorySource(
        encodeGguf(
          [],
          [
            { name: 'f32', axes: [2], type: 0, bytes: new Uint8Array(Float32Array.of(1.1, -2).buffer) },
            { name: 'f16', axes: [2], type: 1, bytes: new Uint8Array(Uint16Array.of(0x3c00, 0xc001).buffer) },
            { name: 'bf16', axes: [2], type: 30, bytes: new Uint8Array(Uint16Array.of(0x3f80, 0xc000).buffer) },
          ],
        ),
      ),
    )
    expect(numbers(file.load('f32'))).toEqual([Math.fround(1.1), -2])
    expect(numbers(file.load('f16'))).toEqual([1, -2.001953125])
    expect(numbers(file.load('bf16'))).toEqual([1, -2])
    expect(() => file.load('none')).toThrow('OCK-GGUF-010')
  })
})

const sound = encodeGguf(
  [
    field.text('general.architecture', 'llama'),
    field.u32('llama.block_count', 2),
    field.f32('llama.rope.freq_base', 1e5),
    field.bool('tokenizer.ggml.add_bos_token', false),
    field.texts('tokenizer.ggml.tokens', ['a', 'b', 'Ġthe']),
    field.ints('tokenizer.ggml.token_type', [1, 1, 3]),
    { key: 'wide', type: 10, bytes: u64(2 ** 40) },
  ],
  [
    { name: 'a', axes: [32, 3], type: 3, bytes: new Uint8Array(60) },
    { name: 'b', axes: [5], type: 0, bytes: new Uint8Array(20) },
  ],
)

describe('header', () => {
  it('reads metadata and shapes', () => {
    const { metadata, tensors } = openGguf(memorySource(sound))
    expect(Object.fromEntries(metadata)).toEqual({
      'general.architecture': 'llama',
      'llama.block_count': 2,
      'llama.rope.freq_base': 1e5,
      'tokenizer.ggml.add_bos_token': false,
      'tokenizer.ggml.tokens': ['a', 'b', 'Ġthe'],
      'tokenizer.ggml.token_type': [1, 1, 3],
      wide: 2 ** 40,
    })
    expect([...tensors.values()].map(({ name, shape, bytes }) => ({ name, shape, bytes }))).toEqual([
      { name: 'a', shape: [3, 32], bytes: 60 },
      { name: 'b', shape: [5], bytes: 20 },
    ])
  })

  const head = (...parts: Uint8Array[]): Uint8Array => joined([u32(0x46554747), u32(3), ...parts, new Uint8Array(64)])
  it.each([
    ['another format', new Uint8Array(64), '001'],
    ['an old version', joined([u32(0x46554747), u32(1), new Uint8Array(64)]), '001'],
    ['a cut file', sound.subarray(0, 200), '003'],
    ['cut data', sound.subarray(0, sound.length - 64), '002'],
    ['too many tensors', head(u64(2 ** 50), u64(0)), '003'],
    ['too long a key', head(u64(0), u64(1), u64(2 ** 45)), '003'],
    ['too long a list', head(u64(0), u64(1), u64(1), Uint8Array.of(97), u32(9), u32(8), u64(1e9)), '003'],
    ['an unknown type', head(u64(0), u64(1), u64(1), Uint8Array.of(97), u32(77)), '004'],
    ['a type that is not read', encodeGguf([], [{ name: 'q', axes: [256], type: 10, bytes: new Uint8Array(84) }]), '007'],
    ['half a block', encodeGguf([], [{ name: 'q', axes: [33], type: 3, bytes: new Uint8Array(40) }]), '006'],
    ['an alignment of 0', encodeGguf([field.u32('general.alignment', 0)], []), '009'],
    ['a key twice', encodeGguf([field.u32('a', 0), field.u32('a', 1)], []), '008'],
  ])('%s is a coded error', (_, bytes, code) => {
    expect(() => openGguf(memorySource(bytes))).toThrow(`OCK-GGUF-${code}`)
  })

  it('survives 20,000 mutations: a coded error or a sound file, and no read beyond 16 times its size', () => {
    const draws = hostKey(0)
      .fold('mutations')
      .integers([20_000, 4], 2 ** 31).data
    for (let i = 0; i < 20_000; i++) {
      const [kind, at, byte, at2] = [
        draws[4 * i]! % 4,
        draws[4 * i + 1]! % sound.length,
        draws[4 * i + 2]! & 255,
        draws[4 * i + 3]! % sound.length,
      ]
      let bytes = Uint8Array.from(sound)
      if (kind === 0) bytes[at] = byte
      else if (kind === 1) bytes = bytes.subarray(0, at)
      else if (kind === 2) bytes.fill(byte, at, at + 8)
      else bytes.copyWithin(at, at2, at2 + 16)
      let read = 0
      const source = memorySource(bytes)
      try {
        const file = openGguf({ ...source, read: (from, n) => ((read += n), source.read(from, n)) })
        for (const name of file.tensors.keys()) read += file.load(name).data.byteLength
      } catch (error) {
        if (!(error instanceof InputError)) throw error
      }
      expect(read).toBeLessThanOrEqual(16 * Math.max(bytes.length, 24))
    }
  })
})

import { InputError, type Value, type Values } from 'ockham'
import { describe, expect, it } from 'vitest'
import { decode, encode } from './index.js'

const values: Values = {
  'layer0.kernel': { shape: [2, 3], dtype: 'float32', data: Float32Array.of(1, -2.5, 3e-40, Infinity, NaN, -0) },
  mask: { shape: [3], dtype: 'bool', data: Uint8Array.of(1, 0, 1) },
  count: { shape: [], dtype: 'int32', data: Int32Array.of(-2147483648) },
  precise: { shape: [2], dtype: 'float64', data: Float64Array.of(Math.PI, Number.MIN_VALUE) },
  empty: { shape: [0, 4], dtype: 'float32', data: new Float32Array(0) },
  __proto__x: { shape: [1], dtype: 'bool', data: Uint8Array.of(0) },
}

/** A file with a header given as text and raw data bytes. */
const file = (header: string | object, data: ArrayLike<number> = [], declared?: bigint): Uint8Array => {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, declared ?? BigInt(json.length), true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}

const codesOf = (bytes: Uint8Array): string[] => {
  try {
    decode(bytes)
  } catch (error) {
    if (error instanceof InputError) return error.problems.map((p) => p.code.slice(-3))
    throw error
  }
  return []
}

const one = (dtype: string, shape: readonly number[], data: ArrayLike<number>): Value =>
  decode(file({ a: { dtype, shape, data_offsets: [0, data.length] } }, data)).values['a']!

describe('encode', () => {
  it('comes back unchanged, meta-data and awkward names included', () => {
    const awkward: Values = Object.fromEntries([...Object.entries(values), ['__proto__', values['mask']!], ['7', values['count']!]])
    const back = decode(encode(awkward, { meta: '{"a":"é"}', code: 'x', what: 'y' }))
    expect(back.values).toEqual(awkward)
    expect(Object.keys(back.values).sort()).toEqual(Object.keys(awkward).sort())
    expect(back.metadata).toEqual({ meta: '{"a":"é"}', code: 'x', what: 'y' })
    expect(Object.is(back.values['layer0.kernel']!.data[5], -0)).toBe(true)
  })

  it('gives equal bytes whatever the order of names', () => {
    const reversed = Object.fromEntries(Object.entries(values).reverse())
    expect(encode(reversed, { b: '2', a: '1' })).toEqual(encode(values, { a: '1', b: '2' }))
  })

  it('writes the layout byte for byte', () => {
    const bytes = encode({ a: { shape: [1], dtype: 'float32', data: Float32Array.of(1) } })
    const json = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    expect(new TextDecoder().decode(bytes.subarray(8, 64))).toBe(json.padEnd(56, ' '))
    expect([...bytes.subarray(0, 8)]).toEqual([56, 0, 0, 0, 0, 0, 0, 0])
    expect([...bytes.subarray(64)]).toEqual([0, 0, 0x80, 0x3f])
  })

  it('aligns every array to its element size', () => {
    const bytes = encode(values)
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    expect(length % 8).toBe(0)
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, { data_offsets: [number, number] }>
    for (const [name, { data }] of Object.entries(values)) expect(header[name]!.data_offsets[0] % data.BYTES_PER_ELEMENT).toBe(0)
  })

  it('refuses what is not well formed, all of it at once', () => {
    const bad = {
      a: { shape: [2], dtype: 'float32', data: Float32Array.of(1) },
      b: { shape: [1], dtype: 'float64', data: Float32Array.of(1) },
      __metadata__: { shape: [1], dtype: 'bool', data: Uint8Array.of(1) },
    } as const
    expect(() => encode(bad)).toThrow(/3 problems.*OCK-SAFETENSORS-001/s)
  })
})

describe('decode', () => {
  it('reads half precision exactly', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555)
    const got = one('F16', [10], new Uint8Array(bits.buffer))
    expect([...got.data]).toEqual([1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, Infinity, -Infinity, NaN, 0.333251953125])
    const brain = one('BF16', [3], new Uint8Array(Uint16Array.of(0x3f80, 0xc049, 0x7f80).buffer))
    expect(brain).toEqual({ shape: [3], dtype: 'float32', data: Float32Array.of(1, -3.140625, Infinity) })
  })

  it('reads integers as int32 where they fit', () => {
    expect(one('I64', [2], new Uint8Array(BigInt64Array.of(-5n, 2147483647n).buffer)).data).toEqual(Int32Array.of(-5, 2147483647))
    expect(one('U8', [2], [0, 255])).toEqual({ shape: [2], dtype: 'int32', data: Int32Array.of(0, 255) })
    expect(one('I8', [1], [255]).data).toEqual(Int32Array.of(-1))
    const big = file({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, new Uint8Array(BigInt64Array.of(2147483648n).buffer))
    expect(codesOf(big)).toEqual(['011'])
    expect(codesOf(file({ a: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, [2]))).toEqual(['011'])
  })

  it('reads arrays at odd offsets and from inside a larger buffer', () => {
    const inner = file(
      { a: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] }, b: { dtype: 'F32', shape: [1], data_offsets: [1, 5] } },
      [1, 0, 0, 0x80, 0x3f],
    )
    const outer = new Uint8Array(inner.length + 3)
    outer.set(inner, 3)
    expect(decode(outer.subarray(3)).values['b']!.data).toEqual(Float32Array.of(1))
  })

  it('names each kind of damage', () => {
    const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] }
    const four = [0, 0, 0, 0]
    expect(codesOf(new Uint8Array(7))).toEqual(['002'])
    expect(codesOf(file({ a: entry }, four, 2n ** 63n))).toEqual(['003'])
    expect(codesOf(file('{"a":', []))).toEqual(['004'])
    expect(codesOf(file('[1]', []))).toEqual(['004'])
    expect(codesOf(file({ a: 3, b: { ...entry, dtype: 'F8_E4M3' }, c: { ...entry, shape: [-1] }, __metadata__: { x: 1 } }, four))).toEqual([
      '010',
      '005',
      '006',
      '005',
    ])
    expect(codesOf(file({ a: entry }, four.slice(1)))).toEqual(['007'])
    expect(codesOf(file({ a: { ...entry, shape: [2 ** 53 - 1, 2 ** 53 - 1] } }, four))).toEqual(['008'])
    expect(codesOf(file({ a: entry, b: entry }, four))).toEqual(['009'])
    expect(codesOf(file({ a: entry }, [...four, 0]))).toEqual(['009'])
    expect(codesOf(file({ a: { ...entry, data_offsets: [1, 5] } }, [...four, 0]))).toEqual(['009'])
  })

  it('quotes hostile names and keeps messages short', () => {
    const name = `\n${'x'.repeat(100_000)}`
    expect(() => decode(file({ [name]: 1 }))).toThrow(/^.{0,300}$/)
  })

  it('survives thousands of mutations with a value or an InputError', () => {
    let state = 1
    const draw = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const whole = encode(values, { meta: 'null' })
    let refused = 0
    const rounds = Number(process.env['OCKHAM_FUZZ'] ?? 4000)
    for (let round = 0; round < rounds; round++) {
      let bytes = whole.slice(0, round % 4 === 0 ? draw(whole.length) : whole.length)
      for (let k = draw(4); k >= 0; k--)
        if (bytes.length > 0) bytes[draw(round % 2 ? bytes.length : Math.min(bytes.length, 500))] = draw(256)
      if (round % 7 === 0) bytes = Uint8Array.from([...bytes, draw(256)])
      try {
        for (const { shape, data } of Object.values(decode(bytes).values)) expect(data.length).toBe(shape.reduce((n, d) => n * d, 1))
      } catch (error) {
        expect(error).toBeInstanceOf(InputError)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(rounds / 2)
    expect(refused).toBeLessThan(rounds)
  })
})

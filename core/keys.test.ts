import { afterEach, describe, expect, it } from 'vitest'
import { hostKey, InputError, isHostKey } from './index.js'
import { threefry } from './keys.js'

const list = (v: { data: ArrayLike<number> }): number[] => Array.from(v.data)
const mean = (a: ArrayLike<number>): number => Array.from(a).reduce((s, x) => s + x, 0) / a.length

describe('threefry', () => {
  it.each([
    { key: [0, 0], counter: [0, 0], words: [0x6b200159, 0x99ba4efe] },
    { key: [0xffffffff, 0xffffffff], counter: [0xffffffff, 0xffffffff], words: [0x1cb996fc, 0xbb002be7] },
    { key: [0x13198a2e, 0x03707344], counter: [0x243f6a88, 0x85a308d3], words: [0xc4923a9c, 0x483df7a0] },
  ])("gives Random123's known answer for counter $counter", ({ key, counter, words }) => {
    expect(threefry(key[0]!, key[1]!, counter[0]!, counter[1]!)).toEqual(words)
  })
})

describe('hostKey', () => {
  it('draws the same numbers everywhere', () => {
    const key = hostKey(7).fold('x')
    expect(list(key.normal([3]))).toEqual([0.651262104511261, 0.0654289498925209, 0.43455323576927185])
    expect(list(key.uniform([3]))).toEqual([0.9009549021720886, 0.03900796175003052, 0.816108226776123])
    expect(list(key.integers([4], 10))).toEqual([7, 3, 1, 2])
    expect(list(key.permutation(6))).toEqual([0, 4, 1, 2, 5, 3])
    expect(list(key.bernoulli(0.5, [6]))).toEqual([1, 1, 1, 1, 0, 0])
  })

  it('is a value: drawing changes nothing, and longer draws begin like shorter ones', () => {
    const key = hostKey(1)
    const long = list(key.normal([101]))
    expect(list(key.normal([101]))).toEqual(long)
    expect(list(key.normal([50]))).toEqual(long.slice(0, 50))
    expect(key.normal([2, 3])).toMatchObject({ shape: [2, 3], dtype: 'float32' })
    expect(isHostKey(key)).toBe(true)
    expect(isHostKey({})).toBe(false)
  })

  it('folds by name and number into separate streams, in any order of folding', () => {
    const root = hostKey(0)
    const long = 'a name of more than eight bytes'
    const folded = [1, '1', 0, -1, 2 ** 32, 2 ** 33, '', 'a', 'b', 'ab', 'a\0', 'ä', '12345678', '123456789', long, `${long}.`].map((d) =>
      root.fold(d),
    )
    const first = [root, ...folded, hostKey(1), hostKey(2 ** 32), root.fold('a').fold('b'), root.fold('b').fold('a')].map((k) =>
      list(k.uniform([4])).join(),
    )
    expect(new Set(first).size).toBe(first.length)
    expect(list(hostKey(0).fold('ab').uniform([4]))).toEqual(list(root.fold('ab').uniform([4])))
  })

  it('has the moments of its distributions', () => {
    const key = hostKey(3)
    const n = 200_000
    const normal = key.normal([n]).data
    const error = (sd: number): number => (5 * sd) / Math.sqrt(n)
    expect(Math.abs(mean(normal))).toBeLessThan(error(1))
    expect(Math.abs(mean(normal.map((z) => z * z)) - 1)).toBeLessThan(error(Math.SQRT2))
    expect(Math.abs(mean(normal.map((z) => z ** 4)) - 3)).toBeLessThan(error(Math.sqrt(96)))
    const uniform = key.uniform([n]).data
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(error(Math.sqrt(1 / 12)))
    expect(uniform.every((u) => u >= 0 && u < 1 && Number.isInteger(u * 2 ** 24))).toBe(true)
    expect(Math.abs(mean(key.bernoulli(0.3, [n]).data) - 0.3)).toBeLessThan(error(0.46))
    const counts = new Array<number>(7).fill(0)
    for (const i of key.integers([n], 7).data) counts[i]!++
    for (const c of counts) expect(Math.abs(c / n - 1 / 7)).toBeLessThan(error(0.35))
    let lag = 0
    for (let i = 1; i < n; i++) lag += normal[i]! * normal[i - 1]!
    expect(Math.abs(lag / n)).toBeLessThan(error(1))
  })

  it('permutes: every order of three is as likely as any', () => {
    const seen = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const order = list(hostKey(0).fold(i).permutation(3)).join('')
      seen.set(order, (seen.get(order) ?? 0) + 1)
    }
    expect([...seen.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
    for (const times of seen.values()) expect(Math.abs(times - 1000)).toBeLessThan(150)
    expect(list(hostKey(0).permutation(1000)).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(list(hostKey(0).permutation(0))).toEqual([])
  })

  it('refuses what cannot be', () => {
    const wrong = [() => hostKey(-1), () => hostKey(1.5), () => hostKey(0).fold(NaN), () => hostKey(0).integers([1], 0)]
    for (const work of [...wrong, () => hostKey(0).bernoulli(2, [1]), () => hostKey(0).permutation(-1)]) expect(work).toThrow(InputError)
  })
})

describe('a tracing engine', () => {
  const mark = Symbol.for('ockham/tracing')
  const scope = globalThis as Record<symbol, unknown>
  afterEach(() => delete scope[mark])

  it('is asked before each draw, not when a key is folded', () => {
    scope[mark] = () => {
      throw new Error('tracing')
    }
    const key = hostKey(0).fold('a')
    const draws = [
      () => key.normal([1]),
      () => key.uniform([1]),
      () => key.bernoulli(0.5, [1]),
      () => key.integers([1], 2),
      () => key.permutation(2),
    ]
    for (const draw of draws) expect(draw).toThrow('tracing')
  })
})

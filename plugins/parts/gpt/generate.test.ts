import { hostKey, type Call, type HostKey, type Value } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { afterAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { characters } from '../tokenizers/index.js'
import { checkChoice, choose, generate, gpt, presets, reader, score, surprisals, type GenerateOptions, type Served } from './index.js'
import { decoderInit } from './init.js'

const engine = createEngine(await interpreter())
afterAll(() => engine.dispose())

const tokenizer = characters('abcdefghij', '\n')
const sizes = { ...presets['smollm2-135m'], layers: 2, width: 16, heads: 4, keyValueHeads: 2, feedForward: 24, context: 48, vocabulary: 11 }
const model = gpt({ ...sizes, dropout: 0 })
const louder = ([name, v]: readonly [string, Value]): [string, Value] => [
  name,
  { ...v, data: Float32Array.from(v.data, (x, i) => x + 0.4 * hostKey(5).fold(name).normal(v.shape).data[i]!) },
]
const vars = { params: Object.fromEntries(Object.entries(decoderInit(hostKey(4), sizes)).map(louder)), frozen: {}, state: {} }
const served: Served = { model, vars, sizes, engine }

/** Logits of every place, read at once without a past. */
async function whole(ids: readonly number[]): Promise<Float32Array[]> {
  const program = engine.compile((a: { x: Tensor }) => {
    const call: Call = { train: false, key: undefined as unknown as Call['key'], at: (_, h) => h, next: () => undefined }
    return { logits: model.apply({ ...engine.capture(vars), state: {} }, a.x, call) }
  })
  const { logits } = await program({ x: { shape: [1, ids.length], dtype: 'int32', data: Int32Array.from(ids) } })
  program.dispose()
  return ids.map((_, i) => (logits.data as Float32Array).slice(11 * i, 11 * (i + 1)))
}

const go = (options: Partial<GenerateOptions>) => generate(served, { prompts: [[1, 2, 3]], tokens: 8, tokenizer, ...options })
const nll = (z: Float32Array, y: number): number => Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0)) - z[y]!

describe('generate', () => {
  it('greedy text is that of a decoder that reads all of it again each time', async () => {
    const [row] = await go({ tokenizer: { ...tokenizer, end: -1 } })
    const all = [1, 2, 3]
    for (let i = 0; i < 8; i++) all.push(choose((await whole(all)).at(-1)!, all, {}, hostKey(0)))
    expect(row!.tokens).toEqual(all.slice(3))
    expect(row!.ended).toBe('tokens')
  })

  it('a row is the same whatever rows are beside it, and its key decides it', async () => {
    const random = { temperature: 1, key: hostKey(7) }
    const [alone] = await go(random)
    const [first, second] = await go({ ...random, prompts: [[1, 2, 3], [4]] })
    expect(first).toEqual(alone)
    expect(second).not.toEqual(alone)
    expect(await go(random)).toEqual([alone])
    expect(await go({ ...random, key: hostKey(8) })).not.toEqual([alone])
  })

  it('a grammar decides what may follow', async () => {
    const even = Uint8Array.from({ length: 11 }, (_, id) => (id % 2 === 0 && id > 0 ? 1 : 0))
    const [row] = await go({ temperature: 2, allowed: (_, tokens) => (tokens.length < 6 ? even : undefined) })
    expect(row!.tokens.slice(0, 3).every((id) => even[id])).toBe(true)
    await expect(go({ allowed: () => new Uint8Array(11) })).rejects.toThrow('OCK-GPT-008')
  })

  it('stops at a text, of which nothing is said', async () => {
    const [free] = await go({ tokens: 6, temperature: 3, allowed: () => Uint8Array.from({ length: 11 }, (_, id) => Number(id > 0)) })
    const stop = free!.text.slice(2, 4)
    let said = ''
    const [row] = await go({
      tokens: 6,
      temperature: 3,
      allowed: () => Uint8Array.from({ length: 11 }, (_, id) => Number(id > 0)),
      stop: [stop],
      emit: (_, text) => void (said += text),
    })
    expect(row!.ended).toBe('stop')
    expect(row!.text).toBe(free!.text.slice(0, free!.text.indexOf(stop)))
    expect(said).toBe(row!.text)
  })

  it('refuses what does not fit', async () => {
    await expect(go({ tokens: 47 })).rejects.toThrow('OCK-GPT-002')
    await expect(go({ prompts: [[]] })).rejects.toThrow('OCK-GPT-007')
    await expect(go({ stop: ['a', ''] })).rejects.toThrow(/OCK-GPT-007 at stop/)
    await expect(go({ prompts: [[1], [2, 11]] })).rejects.toThrow(/OCK-GPT-006 at prompts: token 11; the model has 11/)
    await expect(score(served, Int32Array.of(1, -1, 2))).rejects.toThrow(/OCK-GPT-006 at ids: token -1/)
    expect(() => checkChoice({ temperature: -1, topK: 0, topP: 2, repetitionPenalty: 0 })).toThrow(
      /temperature[^]*topK[^]*topP[^]*repetitionPenalty/,
    )
  })
})

describe('choose', () => {
  const z = (): Float32Array => Float32Array.from([0.5, 0.2, 0.2, 0.1], Math.log)
  const drawn = (options: Parameters<typeof choose>[2], n = 4000): number[] => {
    const counts = [0, 0, 0, 0]
    const key: HostKey = hostKey(1)
    for (let i = 0; i < n; i++) counts[choose(z(), [], options, key.fold(i))]! += 1 / n
    return counts
  }
  const near = (found: readonly number[], wanted: readonly number[]): void =>
    // 4.5 standard deviations of a share of 4,000 draws.
    found.forEach((share, i) => expect(Math.abs(share - wanted[i]!)).toBeLessThan(0.036))

  it('draws with the softmax, tempered and cut', () => {
    near(drawn({ temperature: 1 }), [0.5, 0.2, 0.2, 0.1])
    near(drawn({ temperature: 0.5 }), [25 / 34, 4 / 34, 4 / 34, 1 / 34])
    near(drawn({ temperature: 1, topK: 1 }), [1, 0, 0, 0])
    near(drawn({ temperature: 1, topP: 0.65 }), [5 / 7, 2 / 7, 0, 0])
    near(drawn({ temperature: 1, topP: 0.4 }), [1, 0, 0, 0])
  })

  it('penalises what was there', () => {
    expect(choose(Float32Array.of(2, 1.5, -1), [0], { repetitionPenalty: 1.5 }, hostKey(0))).toBe(1)
    expect(choose(Float32Array.of(-1, -1.2, -9), [0, 0], { repetitionPenalty: 1.3 }, hostKey(0))).toBe(1)
  })
})

describe('score', () => {
  const ids = Int32Array.from({ length: 70 }, (_, i) => (i * i + 3 * i) % 11)

  it('is the surprise of each token', async () => {
    const short = ids.slice(0, 48)
    const logits = await whole(Array.from(short.slice(0, 47)))
    const found = await score(served, short)
    found.forEach((v, i) => expect(v).toBeCloseTo(nll(logits[i]!, short[i + 1]!), 4))
  })

  it('of a longer text goes on in windows that begin with half a context', async () => {
    const found = await score(served, ids)
    expect(found.length).toBe(69)
    // The second window begins at 24.
    const logits = await whole(Array.from(ids.slice(24, 69)))
    for (let i = 48; i < 69; i++) expect(found[i]).toBeCloseTo(nll(logits[i - 24]!, ids[i + 1]!), 4)
  })

  it('a reader that forgot reads as a new one', async () => {
    const reading = reader(served, 1, 16)
    const once = await reading.judge(ids.slice(0, 9), ids.slice(1, 10))
    reading.forget()
    expect(await reading.judge(ids.slice(0, 9), ids.slice(1, 10))).toEqual(once)
    reading.dispose()
  })
})

it('surprisals are log-softmax picked, with its gradient', async () => {
  const z: Value = { shape: [3, 4], dtype: 'float32', data: hostKey(2).normal([3, 4]).data }
  const y: Value = { shape: [3], dtype: 'int32', data: Int32Array.of(2, -1, 0) }
  const both = engine.compile((a: { z: Tensor; y: Tensor }) => {
    const mine = engine.valueAndGrad((p) => ({ value: surprisals(p['z']!, a.y).sum<Scalar>(), aux: surprisals(p['z']!, a.y) }), {
      z: a.z,
    })
    const hot = tf
      .oneHot(tf.maximum(a.y, tf.scalar(0, 'int32')), 4)
      .mul(tf.cast(tf.greaterEqual(a.y, tf.scalar(0, 'int32')), 'float32').reshape([3, 1]))
    const plain = engine.valueAndGrad((p) => ({ value: tf.logSoftmax(p['z']!).mul(hot).sum().neg() as Scalar, aux: {} }), { z: a.z })
    return { mine: mine.value, plain: plain.value, each: mine.aux, g: mine.grads['z']!, h: plain.grads['z']! }
  })
  const { mine, plain, each, g, h } = await both({ z, y })
  expect(mine.data[0]).toBeCloseTo(plain.data[0]!, 5)
  expect(each.data[1]).toBe(0)
  g.data.forEach((v, i) => expect(v).toBeCloseTo(h.data[i]!, 5))
})

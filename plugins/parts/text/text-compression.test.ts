import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostKey, type Engine, type Message, type Posterior, type Problem, type Value, type Variables } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bound, natsOf, prefixLength, smoothedLoss, smoothedRange, unionPrice } from '../bounds/index.js'
import { gpt, gptOptions } from '../gpt/index.js'
import { flat } from '../priors/index.js'
import { fromWeights, pointMass } from '../training/index.js'
import { engines, testRun } from '../training/testing.js'
import { nextToken, text, textCompression, textCompressionOptions, textOptions } from './index.js'
import { counted, passesOf } from './units.js'

const folder = mkdtempSync(join(tmpdir(), 'text-compression-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'names.txt')
const names = ['emma', 'ava', 'olivia', 'bo', 'isabellamariana', 'mia']
writeFileSync(file, names.join('\n'))

describe('units of text', () => {
  const passage = (from: number, length: number) => ({
    x: Int32Array.from({ length }, (_, i) => from + i),
    y: Int32Array.from({ length }, (_, i) => from + i + 1),
  })
  const passages = [passage(0, 10), passage(100, 30)]

  it('documents weigh the same, tokens weigh the same', () => {
    const documents = counted(passages, 'document', undefined)
    expect(documents.weight.subarray(0, 10).every((w) => Math.abs(w - 1 / 20) < 1e-15)).toBe(true)
    expect(documents.weight.subarray(10).every((w) => Math.abs(w - 1 / 60) < 1e-15)).toBe(true)
    expect(counted(passages, 'token', undefined).weight.every((w) => w === 1 / 40)).toBe(true)
  })

  it('of draws, what was drawn is read and weighs as often as it was', () => {
    const documents = counted(passages, 'document', Int32Array.of(1, 1))
    expect(documents.passages).toEqual([{ passage: passages[1], at: 0 }])
    expect(documents.weight[0]).toBeCloseTo(1 / 30, 15)
    const tokens = counted(passages, 'token', Int32Array.of(12, 12, 39, 11))
    expect([tokens.weight[2], tokens.weight[29], tokens.weight[1], tokens.weight[0]]).toEqual([0.5, 0.25, 0.25, 0])
  })

  it('long documents are read in windows, each token judged once', () => {
    const seen = new Map<number, number>()
    for (const { x, y, at } of passesOf(counted(passages, 'document', undefined), 8, 3)) {
      expect(x.length).toBeLessThanOrEqual(8)
      y.forEach((token, i) => {
        if (token < 0) return
        expect(seen.has(at + i)).toBe(false)
        expect(x[i]! + 1).toBe(token)
        seen.set(at + i, token)
      })
    }
    expect(seen.size).toBe(40)
    expect(seen.get(10)).toBe(101)
  })
})

describe.each(Object.entries(engines))('text-compression on %s', (_, start) => {
  let engine: Engine
  let vars: Variables<Value>
  beforeAll(async () => {
    engine = await start()
    vars = await model.init(hostKey(2), dataset().meta)
  })
  afterAll(() => engine.dispose())

  const context = 8
  const model = gpt(gptOptions.parse({ layers: 1, width: 16, heads: 2, context }))
  const dataset = (options: object = {}) =>
    text(textOptions.parse({ file, unit: 'lines', layout: 'single', context, validation: 0, test: 0, ...options }))
  const problemOf = (options: object = {}): Problem => {
    const data = dataset(options)
    return { dataset: data, model, objective: nextToken(), prior: flat(), examples: data.meta.splits['train']! }
  }
  const described = (problem: Problem, rows?: Int32Array): Posterior => {
    const posterior = fromWeights(problem, engine, pointMass(vars))
    const message: Message = {
      bytes: Uint8Array.of(3, 4),
      bits: 16,
      side: {},
      ...(rows && { rows }),
      decode: () => Promise.resolve(posterior),
    }
    return { ...posterior, message }
  }
  const certify = (options: object, data: object = {}, rows?: Int32Array) => {
    const problem = problemOf(data)
    return textCompression(textCompressionOptions.parse(options), { dataset: problem.dataset }).certify(
      described(problem, rows),
      problem,
      testRun(engine, { seed: 1 }).run,
      0.05,
    )
  }

  /** Probabilities of all tokens after each beginning of a name, by the objective's own prediction, one beginning at a time. */
  async function spelled(name: string): Promise<{ p: number; above: number }[]> {
    const problem = problemOf()
    const tokens = (problem.dataset.meta.text!.tokenizer as { tokens: string[] }).tokens
    const ids = [...`\n${name}\n`].map((c) => tokens.indexOf(c))
    const found: { p: number; above: number }[] = []
    for (let i = 1; i < ids.length; i++) {
      // With a stride of one each token has all of the context that there is.
      const before = ids.slice(Math.max(0, i - context), i)
      const prediction = await fromWeights(problem, engine, pointMass(vars)).predict({
        x: { shape: [1, before.length], dtype: 'int32', data: Int32Array.from(before) },
      })
      const { data } = (prediction as { probabilities: Value }).probabilities
      const p = data[ids[i]!]!
      found.push({ p, above: Array.from(data).filter((q) => q >= p).length - 1 })
    }
    return found
  }
  const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length

  it('of documents: the mean over their tokens, whole documents read in windows, α paid for', async () => {
    const { unit, value, trivial, terms } = await certify({ stride: 1, alphas: [0.25, 0.5] })
    const all = await Promise.all(names.map(spelled))
    const classes = 12
    const of = (alpha: number) => {
      const risk = mean(all.map((name) => mean(name.map(({ p }) => smoothedLoss(p, alpha, classes)))))
      const nats = natsOf(prefixLength(16) + 1)
      return { risk, value: bound({ risk, n: 6, delta: 0.05, nats, range: smoothedRange(alpha, classes) }).value }
    }
    const best = [of(0.25), of(0.5)].reduce((a, b) => (b.value < a.value ? b : a))
    expect(terms['rate']).toBeCloseTo(best.risk, 5)
    expect(value).toBeCloseTo(best.value, 5)
    expect({ unit, trivial, n: terms['n'], tokens: terms['tokens'] }).toEqual({
      unit: 'document',
      trivial: Math.log2(classes),
      n: 6,
      tokens: 39,
    })
  })

  it('top-k errors of documents, of rows and of tokens', async () => {
    const all = await Promise.all(names.map(spelled))
    const wrong = (name: { above: number }[]) => mean(name.map(({ above }) => (above >= 3 ? 1 : 0)))
    const documents = await certify({ loss: 'top-k', k: 3, stride: 1 })
    expect(documents.terms['rate']).toBeCloseTo(mean(all.map(wrong)), 12)
    expect(documents.trivial).toBeCloseTo(1 - 3 / 12, 12)
    const tokens = await certify({ loss: 'top-k', k: 3, unit: 'token' })
    expect(tokens.terms['n']).toBe(39)
    expect(tokens.value).toBeCloseTo(
      bound({ risk: tokens.terms['rate']!, n: 39, delta: 0.05, nats: natsOf(prefixLength(16)), method: 'hoeffding' }).value,
      12,
    )
    expect(tokens.assumptions.join(' ')).toMatch(/Nothing is assumed independent/)
    expect(tokens.assumptions.join(' ')).not.toMatch(/drawn independently from one/)
    // Two names go on in a second row.
    expect((await certify({ loss: 'top-k', unit: 'sequence' })).terms['n']).toBe(7)
  })

  it('draws have a failure probability of their own, and pay for α too', async () => {
    const { value, terms } = await certify({ units: 40, alphas: [0.1, 0.5], method: 'hoeffding' })
    const share = 40 / 46
    expect(terms['delta.sampling']).toBeCloseTo(0.05 * (1 - share), 12)
    const range = smoothedRange(terms['alpha']!, 12)
    const sampling = range.width * Math.sqrt((unionPrice(2) - Math.log(0.05 * (1 - share))) / 80)
    expect(terms['sampling']).toBeCloseTo(sampling, 9)
    expect(value).toBeCloseTo(terms['rate']! + sampling + terms['complexity']!, 9)
    expect(await certify({ units: 40, alphas: [0.1, 0.5], method: 'hoeffding' })).toEqual(expect.objectContaining({ value }))
  })

  it('refuses what it could not say', async () => {
    await expect(certify({}, { layout: 'packed' })).rejects.toThrow(/OCK-TEXT-005.*layout: single/)
    expect((await certify({ unit: 'sequence' }, { layout: 'packed' })).assumptions[0]).toMatch(/not independent/)
    expect(() => textCompressionOptions.parse({ unit: 'token', method: 'kl' })).toThrow(/Azuma/)
    const rows = Int32Array.of(0, 1, 2)
    await expect(certify({ unit: 'token' }, {}, rows)).rejects.toThrow(/OCK-TEXT-006/)
    expect((await certify({ unit: 'sequence' }, {}, rows)).terms['n']).toBe(3)
  })
})

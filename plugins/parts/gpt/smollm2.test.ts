import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostKey, type Value } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../services/engine/index.js'
import { onnxruntime } from '../../services/onnxruntime/index.js'
import type { Tokenizer } from '../tokenizers/index.js'
import { generate, gpt, gptOptions, openPublished, reader, score, servePublished, type Served } from './index.js'

const path = process.env['OCKHAM_SMOLLM2']
const data = process.env['OCKHAM_DATA'] ?? new URL('../../../../shared/data', import.meta.url).pathname
const wikitext = join(data, 'text/wikitext-2/test.txt')
const undescribed = { task: 'language', splits: {}, shapes: {}, digest: '', licence: '' }

/** Ids, mean NLL of the tokens after the first, and the five likeliest that follow with their logits: PyTorch and transformers, float32. */
const texts = [
  {
    text: 'The capital of France is',
    ids: [504, 3575, 282, 4649, 314],
    nll: 3.691632,
    top: { 7042: 17.3713, 260: 14.8886, 4528: 13.245, 2250: 13.0095, 1315: 12.9515 },
  },
  {
    text: 'def f(x):\n    return x**2',
    ids: [1604, 275, 24, 104, 727, 472, 1003, 1792, 828, 34],
    nll: 2.1985,
    top: { 198: 35.7842, 1232: 34.9456, 1672: 34.002, 28: 32.9179, 731: 32.7125 },
  },
  {
    text: "It's 1234567 naïve café — 日本 🙂",
    ids: [1589, 506, 216, 33, 34, 35, 36, 37, 38, 39, 15486, 46494, 37366, 1841, 17097, 241, 115, 40993, 47526],
    nll: 5.617877,
    top: { 198: 20.8446, 365: 18.6482, 216: 18.6431, 1116: 18.6155, 8083: 18.5015 },
  },
  {
    text: '5.6 5.6 5.6\n90 90 90\nNa+\n0.00 0.00 0.00\nCl-\n0.50 0.50 0.50',
    ids: [
      [37, 30, 38, 216, 37, 30, 38, 216, 37, 30, 38, 198, 41, 32, 216, 41, 32, 216, 41, 32, 198, 26062, 27, 198, 32, 30, 32, 32],
      [216, 32, 30, 32, 32, 216, 32, 30, 32, 32, 198, 3603, 29, 198, 32, 30, 37, 32, 216, 32, 30, 37, 32, 216, 32, 30, 37, 32],
    ].flat(),
    nll: 1.637785,
    top: { 198: 26.3234, 216: 23.5488, 1116: 21.6672, 256: 21.6483, 3717: 20.6764 },
  },
]

const tensors = {
  'tokens.table': { sum: -15353.04449, absolute: 2802153.6198, first: [-0.1065445, 0.03297806, 0.0481987, -0.02283096] },
  'block0.attn.q.kernel': { sum: 59.22322, absolute: 63395.39873, first: [-0.09631348] },
  'block0.down.kernel': { sum: 150.63577, absolute: 128458.06287, first: [-0.33081055] },
  'norm.scale': { sum: 1038.33203, absolute: 1045.09766, first: [1.7578125, 1.8203125, 1.78125, 1.6015625] },
}

const mean = (x: Float64Array): number => x.reduce((a, b) => a + b, 0) / x.length

// Half a gigabyte of weights and some seconds a case: on machines that name the file.
describe.skipIf(!path)('SmolLM2-135M-Instruct (skipped unless OCKHAM_SMOLLM2 names its GGUF file)', () => {
  let served: Served
  let tokenizer: Tokenizer
  let weights: Readonly<Record<string, Value>>
  beforeAll(async () => {
    const file = openPublished(path!)
    tokenizer = file.tokenizer()
    file.close()
    weights = (await gpt(gptOptions.parse({ file: path })).init(hostKey(0), undescribed)).params
    served = await servePublished(path!, createEngine(await onnxruntime()))
  }, 60_000)
  afterAll(() => served.engine.dispose())

  it.each(Object.entries(tensors))('%s is that of the file', (name, { sum, absolute, first }) => {
    const all = weights[name]!.data as Float32Array
    expect(Math.abs(all.reduce((a, b) => a + b, 0) - sum)).toBeLessThan(1e-4)
    expect(Math.abs(all.reduce((a, b) => a + Math.abs(b), 0) - absolute)).toBeLessThan(1e-3)
    first.forEach((x, i) => expect(all[i]).toBeCloseTo(x, 7))
  })

  it.each(texts)(
    '$text',
    async ({ text, ids, nll, top }) => {
      expect([...tokenizer.encode(text)]).toEqual(ids)
      expect(Math.abs(mean(await score(served, Int32Array.from(ids))) - nll)).toBeLessThan(1e-4)
      const reading = reader(served, 1, ids.length)
      const logits = await reading.next([ids])
      reading.dispose()
      const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]!)
      for (const [id, z] of Object.entries(top)) expect(Math.abs(logits[Number(id)]! - z)).toBeLessThan(2e-3)
      expect(new Set(order.slice(0, 5))).toEqual(new Set(Object.keys(top).map(Number)))
    },
    60_000,
  )

  it('goes on greedily as the reference does', async () => {
    const [row] = await generate(served, { prompts: [texts[0]!.ids], tokens: 16, tokenizer })
    expect(row!.tokens).toEqual([7042, 30, 198, 198, 504, 2988, 314, 42, 216, 34, 32, 33, 40, 29, 32, 33])
  }, 60_000)

  it.skipIf(!existsSync(wikitext))(
    'WikiText-2: mean NLL of 128, 512 and 1,024 tokens (skipped where the text is absent)',
    async () => {
      const ids = tokenizer.encode(readFileSync(wikitext, 'utf8').slice(0, 12_000))
      for (const [n, nll] of [
        [128, 3.447046],
        [512, 2.832022],
        [1024, 2.394645],
      ] as const)
        expect(Math.abs(mean(await score(served, ids.slice(0, n))) - nll)).toBeLessThan(1e-4)
    },
    120_000,
  )
})

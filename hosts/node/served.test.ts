import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generate, score } from '../../plugins/parts/gpt/index.js'
import { createHost, use, type Host } from './index.js'
import { languageOf } from './served.js'

const out = mkdtempSync(join(tmpdir(), 'ockham-served-'))
const held = 'abed\ndeb\nbad\n'
const file = { train: join(out, 'train.txt'), test: join(out, 'test.txt') }
writeFileSync(file.train, 'ada\nbea\ncab\nabe\ndeb\nebba\nabba\nbab\ndad\ndada\n')
writeFileSync(file.test, held)

let host: Host
beforeAll(async () => {
  host = await createHost({ out, engine: 'interpreter' })
})
afterAll(async () => {
  await host.dispose()
  rmSync(out, { recursive: true, force: true })
})

const base = use('gpt', { layers: 1, width: 8, heads: 2, context: 12 })
const wrapped = {
  gpt: base,
  lora: use('lora', { of: base, rank: 2 }),
  prefix: use('prefix', { of: base, length: 4 }),
  prompted: use('prompted', { of: base, length: 4 }),
}

describe.each(Object.entries(wrapped))('a run of %s on lines', (name, model) => {
  it('once loaded, scores its test as its evaluation did, and goes on from the mark', async () => {
    const { folder, result } = await host.run({
      name,
      seed: 0,
      dataset: use('text', { file, unit: 'lines', layout: 'single', context: 8, licence: 'none' }),
      model,
      objective: 'next-token',
      prior: 'flat',
      inference: use('map', { optimizer: use('adam', { learningRate: 0.1 }), steps: 12, batchSize: 4 }),
      evaluations: [use('perplexity')],
    } as never)
    const { served, tokenizer, begin } = await languageOf(folder!, host)
    const judged = []
    for (const line of held.trim().split('\n'))
      judged.push(...(await score(served, Int32Array.of(begin!, ...tokenizer.encode(line), tokenizer.end!))))
    const nll = judged.reduce((sum, v) => sum + v, 0) / judged.length
    expect(nll).toBeCloseTo(result.values['test/nll']!, 4)
    const [row] = await generate(served, { prompts: [[begin!]], tokens: 7, tokenizer, temperature: 1 })
    expect(row!.tokens.length).toBeGreaterThan(0)
  })
})

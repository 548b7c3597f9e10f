import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostKey, InputError } from 'ockham'
import { afterAll, expect, it } from 'vitest'
import { gpt, openPublished } from './index.js'
import { config, gguf, safetensors } from './testing.js'

const folder = mkdtempSync(join(tmpdir(), 'gpt-'))
afterAll(() => rmSync(folder, { recursive: true }))

const undescribed = { task: 'language', splits: {}, shapes: {}, digest: '', licence: '' }

const cases = {
  'tiny.gguf': { bytes: gguf, model: join(folder, 'tiny.gguf') },
  'config.json': { bytes: config, model: folder },
  'model.safetensors': { bytes: safetensors, model: folder },
}

/** Mutations of each file; OCKHAM_FUZZ asks for more. */
const mutations = Number(process.env['OCKHAM_FUZZ'] ?? 300)

it.each(Object.entries(cases))('%s, mutated, is a decoder or a coded error', async (file, { bytes, model }) => {
  for (const [name, whole] of Object.entries(cases)) writeFileSync(join(folder, name), whole.bytes)
  await gpt({ file: model, dropout: 0 }).init(hostKey(0), undescribed)
  const draws = hostKey(2)
    .fold(file)
    .integers([mutations, 4], 2 ** 31).data
  let refused = 0
  for (let i = 0; i < mutations; i++) {
    const [kind, at, byte, where] = [draws[4 * i]! % 4, draws[4 * i + 1]!, draws[4 * i + 2]! & 255, draws[4 * i + 3]!]
    let given = Uint8Array.from(bytes)
    // Half of them where a file says what it holds.
    const place = (i % 2 === 0 ? at : at % 1500) % given.length
    if (kind === 0) given = given.subarray(0, place)
    else if (kind === 1) given.copyWithin(place, where % given.length, (where % given.length) + 16)
    else given[place] = byte
    writeFileSync(join(folder, file), given)
    try {
      await gpt({ file: model, dropout: 0 }).init(hostKey(0), undescribed)
      const opened = openPublished(model)
      try {
        if (file === 'tiny.gguf') opened.tokenizer()
      } finally {
        opened.close()
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(mutations / 10)
  expect(refused).toBeLessThan(mutations)
})

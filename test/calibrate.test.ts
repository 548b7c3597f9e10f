/* `ockham calibrate`: a network trained elsewhere, from a file to a run that predicts. */
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromPlain, use, type Value } from 'ockham'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { calibrationSpec } from '../hosts/cli/commands/calibrate.js'
import { createHost, type Host } from '../hosts/node/index.js'
import { exportRun } from '../hosts/node/export.js'
import { writeDurably } from '../plugins/services/journal/index.js'

const out = mkdtempSync(join(tmpdir(), 'ockham-calibrate-'))
const data = 'glyphs'
const flags = { data, alpha: 0.1, seed: 0, limit: 200 }
const architecture = '{ use: mlp, hidden: [16] }'
let host: Host
let folder: string
beforeAll(async () => {
  host = await createHost({ engine: 'interpreter', out })
  const trained = await host.run({
    dataset: use('glyphs'),
    model: use('mlp', { hidden: [16] }),
    objective: use('cross-entropy'),
    inference: use('map', { steps: 150 }),
    limit: 200,
  })
  folder = trained.folder!
}, 60_000)
afterAll(() => host.dispose())

const images = { x: { shape: [2, 28, 28, 1], dtype: 'float32', data: new Float32Array(2 * 784).fill(0.3) } as Value }

async function expectCalibrated(file: string, more: object = {}): Promise<void> {
  const record = await host.run(fromPlain(calibrationSpec(file, { ...flags, ...more })))
  const { values } = record.result
  for (const metric of ['accuracy', 'nll', 'nll-before', 'coverage', 'set-size'])
    expect(values[`test/${metric}`], metric).toBeGreaterThan(0)
  expect(values['test/coverage']).toBeGreaterThan(0.75)
  const p = await (await host.load(record.folder!)).predict(images)
  const here = await record.posterior!.predict(images)
  expect(p).toEqual(here)
  expect(existsSync(join(record.folder!, 'report.html'))).toBe(true)
}

it('an ONNX file', { timeout: 60_000 }, async () => {
  const file = join(out, 'net.onnx')
  writeDurably(file, (await exportRun(host, folder, {})).bytes)
  await expectCalibrated(file)
})

it('weights of an architecture', { timeout: 60_000 }, async () => {
  await expectCalibrated(join(folder, 'posterior.safetensors'), { architecture })
})

it('says what it cannot take', () => {
  expect(() => calibrationSpec('net.pt', flags)).toThrow(/OCK-CLI-004.*neither/)
  expect(() => calibrationSpec('w.safetensors', flags)).toThrow(/OCK-CLI-004.*--architecture/)
})

it('of a regression, tunes the noise instead of a temperature', () => {
  const spec = calibrationSpec('net.onnx', { ...flags, data: 'table.csv', noise: 0.5 })
  expect(spec).toMatchObject({
    dataset: { use: 'csv', file: 'table.csv' },
    objective: { use: 'gaussian', noise: 0.5 },
    inference: { use: 'laplace' },
  })
})

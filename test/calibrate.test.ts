/* `ockham calibrate`: a network trained elsewhere, from a file to a run that predicts. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromPlain, hostKey, use, type Value } from 'ockham'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { calibrationSpec } from '../hosts/cli/commands/calibrate.js'
import { createHost, type Host, type RunRecord } from '../hosts/node/index.js'
import { exportRun } from '../hosts/node/export.js'
import datasets, { limited } from '../plugins/parts/datasets/index.js'
import { writeDurably } from '../plugins/services/journal/index.js'
import { componentOf } from './suites/index.js'

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
  const html = readFileSync(join(record.folder!, 'report.html'), 'utf8')
  for (const picture of ['reliability before and after', 'coverage']) expect(html, picture).toContain(picture)
  await expectSets(record)
}

/** Sets of the rows that were evaluated cover as the table of the run says. */
async function expectSets({ folder: run, result }: RunRecord): Promise<void> {
  const loaded = await host.load(run!)
  const dataset = limited(await componentOf(datasets, 'dataset', 'glyphs'), flags.limit)
  const rows = { shape: [200], dtype: 'int32', data: Int32Array.from({ length: 200 }, (_, i) => i) } as const
  const { x, y } = await dataset.read('test', rows)
  const found = await loaded.sets({ x: x! })
  if (found.kind !== 'classes') throw new Error('classes are predicted')
  const row = (result.tables['test/conformal'] as { score: string; coverage: number; 'set-size': number }[]).find((r) => r.score === 'thr')!
  const hits = found.sets.filter((set, i) => set.includes(y!.data[i]!)).length
  expect(found.level).toBeCloseTo(0.9)
  expect(hits / 200).toBeCloseTo(row.coverage, 10)
  expect(found.sets.reduce((sum, set) => sum + set.length, 0) / 200).toBeCloseTo(row['set-size'], 10)
}

it('an ONNX file', { timeout: 60_000 }, async () => {
  const file = join(out, 'net.onnx')
  writeDurably(file, (await exportRun(host, folder, {})).bytes)
  await expectCalibrated(file)
})

it('weights of an architecture', { timeout: 60_000 }, async () => {
  await expectCalibrated(join(folder, 'posterior.safetensors'), { architecture })
})

it('sets need a conformal threshold', async () => {
  await expect((await host.load(folder)).sets(images)).rejects.toThrow(/OCK-CONFORMAL-006.*thr/)
})

it('says what it cannot take', () => {
  expect(() => calibrationSpec('net.pt', flags)).toThrow(/OCK-CLI-004.*neither/)
  expect(() => calibrationSpec('w.safetensors', flags)).toThrow(/OCK-CLI-004.*--architecture/)
})

it('of a regression, tunes the noise instead of a temperature', () => {
  const spec = calibrationSpec('net.onnx', { ...flags, data: 'table.csv', noise: 0.5 })
  expect(spec).toMatchObject({
    dataset: { use: 'csv', file: 'table.csv', validation: 0.2 },
    objective: { use: 'gaussian', noise: 0.5 },
    inference: { use: 'laplace' },
  })
  const { model } = calibrationSpec('net.onnx', { ...flags, architecture: '{ output: mean }' })
  expect(model).toEqual({ use: 'onnx', file: 'net.onnx', output: 'mean' })
})

it('a regression, from an ONNX file of it to intervals', { timeout: 60_000 }, async () => {
  const table = join(out, 'waves.csv')
  const draws = hostKey(3).normal([2, 400]).data
  const rows = Array.from({ length: 400 }, (_, i) => [draws[i]!, Math.sin(2 * draws[i]!) + 0.2 * draws[400 + i]!])
  writeFileSync(table, `t,label\n${rows.map((row) => row.join(',')).join('\n')}\n`)
  const trained = await host.run({
    dataset: use('csv', { file: table, validation: 0.2 }),
    model: use('mlp', { hidden: [16], activation: 'tanh' }),
    objective: use('gaussian', { noise: 0.5 }),
    inference: use('map', { steps: 400, optimizer: use('adam', { learningRate: 0.02 }) }),
  })
  const file = join(out, 'waves.onnx')
  writeDurably(file, (await exportRun(host, trained.folder!, {})).bytes)
  const spec = calibrationSpec(file, { alpha: 0.1, seed: 0, data: table, noise: 0.5, architecture: '{ output: mean }' })
  const record = await host.run(fromPlain(spec))
  const { values } = record.result
  expect(values['test/coverage']).toBeGreaterThanOrEqual(values['test/coverage-low']!)
  // The evidence finds the noise that there is, where 0.5 in units of the scaled target was given.
  expect(values['test/aleatoric']).toBeGreaterThan(0.15)
  expect(values['test/aleatoric']).toBeLessThan(0.28)
  const loaded = await host.load(record.folder!)
  const x = { x: { shape: [2, 1], dtype: 'float32', data: Float32Array.of(0, 1) } as Value }
  expect(await loaded.predict(x)).toEqual(await record.posterior!.predict(x))
  const found = await loaded.sets(x)
  expect(found.kind).toBe('intervals')
})

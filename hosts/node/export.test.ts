import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hostKey, type Prediction, type Value, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runFile } from '../../plugins/services/onnxruntime/export.js'
import { createHost, exportRun, use, type Host } from './index.js'

const out = mkdtempSync(join(tmpdir(), 'ockham-export-'))
const key = hostKey(3)
let host: Host
beforeAll(async () => {
  host = await createHost({ out, threads: 2 })
})
afterAll(() => host.dispose())

const fields = (p: Prediction): Values =>
  p.kind === 'categorical'
    ? { probabilities: p.probabilities }
    : { mean: p.mean, std: { ...p.variance, data: Float32Array.from(p.variance.data, Math.sqrt) } }

/** A run, its file, and how far the file is from `predict` at each number of rows. */
async function tried(spec: Record<string, unknown>, shape: readonly number[], rows: readonly number[], batch?: number) {
  const { folder } = await host.run({ seed: 0, evaluations: [], prior: use('normal', { scale: 1 }), ...spec } as never)
  const made = await exportRun(host, folder!, batch === undefined ? {} : { batch })
  const { predict } = await host.load(folder!)
  const apart: number[] = []
  for (const n of rows) {
    const x = { x: key.fold(n).normal([n, ...shape]) }
    const [given, wanted] = [await runFile(made.bytes, x), fields(await predict(x))]
    expect(Object.keys(given).sort()).toEqual(Object.keys(wanted).sort())
    for (const [name, v] of Object.entries(wanted)) {
      expect(given[name]!.shape).toEqual(v.shape)
      apart.push(...Array.from(v.data, (y, i) => Math.abs(y - given[name]!.data[i]!)))
    }
  }
  return { folder: folder!, made, worst: Math.max(...apart) }
}

const moons = use('two-moons', { n: 100 })
const classes = { dataset: moons, objective: use('cross-entropy'), inference: use('map', { steps: 5, batchSize: 16 }) }
const line: Value = { shape: [40, 3], dtype: 'float32', data: key.fold('line').normal([40, 3]).data }
const regression = use('arrays', {
  task: 'regression',
  splits: {
    train: { x: line, y: key.fold('y').normal([40, 2]) },
    test: { x: line, y: key.fold('y').normal([40, 2]) },
  },
})

describe('an exported run gives in plain ONNX Runtime what predict gives', () => {
  it('for classes, at any number of rows', async () => {
    const { made, worst, folder } = await tried({ ...classes, model: use('mlp', { hidden: [8] }) }, [2], [1, 3, 300])
    expect(worst).toBeLessThan(1e-5)
    expect(made.inputs).toEqual({ x: ['rows', 2] })
    const file = join(folder, 'model.onnx')
    const cli = fileURLToPath(new URL('../cli/ockham.js', import.meta.url))
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'export', folder, file, '--json'], { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ file, inputs: { x: ['rows', 2] }, outputs: ['probabilities'] })
    expect((await runFile(readFileSync(file), { x: key.normal([2, 2]) }))['probabilities']!.shape).toEqual([2, 2])
  })

  it('for images', async () => {
    const spec = { ...classes, dataset: use('glyphs'), limit: 64, model: use('cnn', { channels: [3, 4], hidden: [5] }) }
    const { worst, made, folder } = await tried(spec, [28, 28, 1], [1, 2])
    expect(worst).toBeLessThan(1e-5)
    // Read again as a model, the file is the same function: its convolutions are layers, their biases are added once.
    const file = join(folder, 'model.onnx')
    writeFileSync(file, made.bytes)
    const again = await host.run({ ...spec, seed: 0, evaluations: [], model: use('onnx', { file }), inference: use('given') })
    const x = { x: key.fold('again').normal([3, 28, 28, 1]) }
    const [one, two] = await Promise.all([folder, again.folder!].map(async (run) => fields(await (await host.load(run)).predict(x))))
    two!['probabilities']!.data.forEach((p, i) => expect(p).toBeCloseTo(one!['probabilities']!.data[i]!, 5))
  })

  it('for targets', async () => {
    const spec = {
      dataset: regression,
      objective: use('gaussian', { noise: 0.5 }),
      inference: classes.inference,
      model: use('mlp', { hidden: [8] }),
    }
    const { made, worst } = await tried(spec, [3], [1, 7])
    expect(made.outputs).toEqual(['mean', 'std'])
    expect(worst).toBeLessThan(1e-5)
  })

  it('for a fixed number of rows', async () => {
    const { made, worst } = await tried({ ...classes, model: use('mlp', { hidden: [8] }) }, [2], [4], 4)
    expect(made.inputs).toEqual({ x: [4, 2] })
    expect(worst).toBeLessThan(1e-5)
    await expect(runFile(made.bytes, { x: key.normal([5, 2]) })).rejects.toThrow()
  })

  it.each([
    ['monte-carlo', { link: 'monte-carlo' }],
    ['probit', { link: 'probit' }],
    ['pairwise', { link: 'pairwise' }],
    ['weights', { predictive: 'weights', draws: 4 }],
  ] as const)('for a Laplace posterior: %s', async (_, how) => {
    const inference = use('laplace', { after: classes.inference, ...how })
    const { worst } = await tried({ ...classes, model: use('mlp', { hidden: [4] }), inference }, [2], [1, 6])
    expect(worst).toBeLessThan(1e-5)
  })

  it.each([
    ['a network', classes.inference],
    ['an ensemble', use('ensemble', { members: 2, of: classes.inference })],
  ] as const)('for the temperature of %s', async (_, after) => {
    const inference = use('temperature', { after })
    const dataset = use('two-moons', { n: 100, validation: 40 })
    const { made, worst } = await tried({ ...classes, dataset, model: use('mlp', { hidden: [4] }), inference }, [2], [1, 6])
    expect(made.outputs).toEqual(['probabilities'])
    expect(worst).toBeLessThan(1e-5)
  })

  it('or says that it cannot be exported', async () => {
    const spec = {
      seed: 0,
      dataset: moons,
      model: use('gp', { kernel: use('rbf') }),
      objective: use('dirichlet'),
      inference: use('type-two', { steps: 2 }),
    }
    const { folder } = await host.run({ ...spec, prior: use('flat'), evaluations: [] })
    await expect(exportRun(host, folder!)).rejects.toThrow(/OCK-EXPORT-001.*load\(run\)\.predict/s)
    const dropping = { ...classes, seed: 0, prior: use('flat'), evaluations: [], model: use('mlp', { hidden: [4] }) }
    const drawn = await host.run({ ...dropping, inference: use('mc-dropout', { steps: 2 }) })
    await expect(exportRun(host, drawn.folder!)).rejects.toThrow(/OCK-EXPORT-003.*load\(run\)\.predict/s)
  })
})

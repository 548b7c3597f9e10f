import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createHost, load, use } from 'ockham/hosts/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileWith } from '../faults/command.js'
import { missing, readBack, Server, temporary } from './server.js'

const root = resolve(import.meta.dirname, '../..')
const execute = promisify(execFile)

const spec = `
name: moons
seed: 1
dataset: { use: two-moons, n: 200 }
model: { use: mlp, hidden: [16] }
objective: cross-entropy
prior: { use: normal, scale: 1 }
inference: { use: map, steps: 150, batchSize: 50, optimizer: { use: adam, learningRate: 0.02 } }
evaluations: [calibration]
bounds: [clopper-pearson]
`

/** Everything that MLflow's own client knows of an experiment. */
const script = `
import json, sys, mlflow
c = mlflow.MlflowClient()
e = mlflow.get_experiment_by_name(sys.argv[1])
def files(run, path=None):
    found = []
    for f in c.list_artifacts(run, path):
        found += files(run, f.path) if f.is_dir else [f.path]
    return found
runs = {}
for r in c.search_runs([e.experiment_id]):
    model = c.get_logged_model(r.outputs.model_outputs[0].model_id) if r.outputs and r.outputs.model_outputs else None
    runs[r.info.run_name] = {
        'id': r.info.run_id, 'status': r.info.status, 'params': r.data.params, 'metrics': r.data.metrics, 'tags': r.data.tags,
        'inputs': [[i.dataset.name, i.dataset.digest, i.tags[0].value] for i in r.inputs.dataset_inputs],
        'files': files(r.info.run_id),
        'loss': [[m.step, m.value] for m in c.get_metric_history(r.info.run_id, 'descent/loss')],
        'model': model and {'status': str(model.status), 'params': model.params, 'run': model.source_run_id},
    }
certificate = mlflow.artifacts.load_dict(f"runs:/{runs['scale-0.1']['id']}/certificates/clopper-pearson.json")
table = mlflow.artifacts.load_text(f"runs:/{runs['moons']['id']}/comparison.csv")
flavors = mlflow.models.get_model_info('models:/moons@best').flavors
print(json.dumps({'runs': runs, 'certificate': certificate, 'table': table, 'flavors': flavors}))
`

interface Read {
  readonly id: string
  readonly status: string
  readonly params: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, number>>
  readonly tags: Readonly<Record<string, string>>
  readonly inputs: readonly (readonly [string, string, string])[]
  readonly files: readonly string[]
  readonly loss: readonly (readonly [number, number])[]
  readonly model: { readonly status: string; readonly params: Readonly<Record<string, string>>; readonly run: string } | null
}

describe.skipIf(missing)('the command line against a real server', { timeout: 120_000 }, () => {
  let server: Server
  const out = temporary()
  const ockham = async (env: NodeJS.ProcessEnv, ...args: readonly string[]) => {
    const command = join(root, 'hosts/cli/ockham.js')
    const options = { cwd: root, env: { ...process.env, MLFLOW_EXPERIMENT_NAME: 'moons', ...env } }
    return execute(process.execPath, [command, ...args, '--out', out], options)
  }

  beforeAll(async () => {
    server = await Server.start()
  }, 120_000)
  afterAll(() => server.stop())

  it('tracks a sweep that MLflow’s Python client reads back whole', async () => {
    const track = '{use: mlflow, register: moons@best, system: 0.2}'
    const args = [fileWith(spec), '--engine', 'interpreter', '--sweep', 'prior.scale=[0.1,1]', '--track', track]
    const { stdout, stderr } = await ockham({ MLFLOW_TRACKING_URI: server.uri }, 'run', ...args)
    expect(stderr).not.toContain('warning')
    expect(stdout).toMatch(/metric +scale-0.1 +scale-1/)

    const back = readBack<{ runs: Record<string, Read>; certificate: object; table: string; flavors: object }>(server.uri, script, 'moons')
    const { moons, 'scale-0.1': child } = back.runs
    expect(Object.keys(back.runs).sort()).toEqual(['moons', 'scale-0.1', 'scale-1'])
    expect([moons!.status, child!.status]).toEqual(['FINISHED', 'FINISHED'])
    expect(child!.tags['mlflow.parentRunId']).toBe(moons!.id)
    expect(child!.params).toMatchObject({ seed: '1', prior: 'normal', 'prior.scale': '0.1', 'inference.optimizer.learningRate': '0.02' })
    expect(child!.loss.length).toBe(150)
    const folder = join(
      out,
      readdirSync(out).find((name) => name.includes('moons'))!,
      'children',
      'scale-0.1',
    )
    const result = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')) as {
      values: Record<string, number>
      certificates: { value: number }[]
    }
    expect(child!.metrics).toMatchObject(result.values)
    expect(child!.metrics['certificates/clopper-pearson/value']).toBe(result.certificates[0]!.value)
    expect(back.certificate).toEqual(result.certificates[0])
    expect(child!.tags).toMatchObject({ 'mlflow.source.type': 'LOCAL', 'ockham.engine': 'interpreter', 'ockham.seed': '1' })
    expect(child!.inputs.map(([name, , context]) => [name, context])).toEqual(
      expect.arrayContaining(['training', 'test', 'grid', 'ring'].map((c) => ['two-moons', c])),
    )
    expect(child!.files).toEqual(
      expect.arrayContaining([
        'spec.yaml',
        'report.html',
        'result.json',
        'figures/test-reliability.svg',
        'figures/test-reliability.vl.json',
      ]),
    )
    expect(child!.files.some((f) => f.startsWith('checkpoints/'))).toBe(true)
    expect(moons!.files).toEqual(expect.arrayContaining(['comparison.csv', 'report.html']))
    expect(back.table).toMatch(/^variant,.*\nscale-0.1,.*\nscale-1,/)
    expect(child!.model).toMatchObject({ params: { prior: 'normal', model: 'mlp' }, run: child!.id })
    expect(child!.model!.status).toContain('READY')
    expect(back.flavors).toHaveProperty('ockham')
  })

  it('brings a registered model back, in code and on the command line', async () => {
    process.env['MLFLOW_TRACKING_URI'] = server.uri
    try {
      const children = join(
        out,
        readdirSync(out).find((name) => name.includes('moons'))!,
        'children',
      )
      const options = { engine: 'interpreter', out } as const
      const model = await load('models:/moons@best', options)
      const run = await load(join(children, 'scale-1'), options)
      const x = { x: { shape: [2, 2], dtype: 'float32' as const, data: Float32Array.of(0, 1, -1, 0.5) } }
      expect(await model.predict(x)).toEqual(await run.predict(x))
      await model.dispose()
      await run.dispose()
    } finally {
      delete process.env['MLFLOW_TRACKING_URI']
    }
    const { stdout } = await ockham({ MLFLOW_TRACKING_URI: server.uri }, 'load', 'models:/moons/1', '--engine', 'interpreter', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ task: 'classification', inputs: { x: { shape: [2] } } })
    const env = { MLFLOW_TRACKING_URI: server.uri }
    await expect(ockham(env, 'load', 'models:/moons@nobody')).rejects.toMatchObject({
      stderr: expect.stringContaining('OCK-MLFLOW-005') as string,
    })
    await expect(ockham(env, 'load', 'models:/moons')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('OCK-MLFLOW-026') as string,
    })
  })

  it('takes trackers by name in code, finishes without a server, and syncs later', async () => {
    const uri = 'http://127.0.0.1:9'
    const host = await createHost({ engine: 'interpreter', out, trackers: [use('mlflow', { uri, experiment: 'later', patience: 0.3 })] })
    const { folder } = await host.run({
      name: 'alone',
      dataset: use('two-moons', { n: 60 }),
      model: use('mlp', { hidden: [4] }),
      objective: use('cross-entropy'),
      inference: use('map', { steps: 20, batchSize: 20 }),
    })
    await host.dispose()
    const { stdout } = await ockham({}, 'sync', folder!, '--uri', server.uri)
    expect(stdout).toContain('got')
    expect((await ockham({}, 'sync', folder!, '--uri', server.uri)).stdout).toContain('already had all of it')
    const count = `
import json, mlflow
runs = mlflow.search_runs(experiment_names=['later'], output_format='list')
print(json.dumps([[r.info.run_name, r.info.status, len(mlflow.MlflowClient().get_metric_history(r.info.run_id, 'descent/loss'))] for r in runs]))`
    expect(readBack(server.uri, count)).toEqual([['alone', 'FINISHED', 20]])
    await expect(createHost({ trackers: [use('normal') as never] })).rejects.toThrow(/OCK-SPEC-021/)
    await expect(createHost({ trackers: [use('mlflow', { queue: 1 })] })).rejects.toThrow(/OCK-SPEC-022 at trackers.0.queue/)
  })

  it('compares runs: in what they differ, and what they found', async () => {
    const study = readdirSync(out).find((name) => name.includes('moons'))!
    const alone = readdirSync(out).find((name) => name.includes('alone'))!
    const { stdout } = await ockham({}, 'compare', study, alone, '--json')
    const rows = JSON.parse(stdout) as { run: string; settings: Record<string, unknown>; values: Record<string, number> }[]
    expect(rows.map((r) => r.run)).toEqual([`${study}/children/scale-0.1`, `${study}/children/scale-1`, alone])
    expect(rows.map((r) => r.settings['prior.scale'])).toEqual([0.1, 1, null])
    expect(rows[0]!.settings).not.toHaveProperty('objective.use')
    expect(rows[0]!.values['test/accuracy']).toBeGreaterThan(0.7)
    expect((await ockham({}, 'compare', study)).stdout).toMatch(/prior.scale +0.1 +1\n/)
  })
})

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MlflowClient, mlflowOptions, mlflowTracker, sync, type Metric, type MlflowRun } from 'ockham/plugins/mlflow'
import type { Recorded, RunEvent, Tracker } from 'ockham'
import { Subject } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { proxy } from './proxy.js'
import { missing, Server, temporary } from './server.js'

const made = (options: object): Tracker =>
  mlflowTracker(mlflowOptions.parse({ system: 0, interval: 0.1, experiment: 'imagined', ...options }))

interface Imagined {
  readonly id: string
  /** False for none. */
  readonly folder: string | false
  readonly parent: string
  readonly tracker: Tracker
}

/** A run without an engine: what it emits is the test's to say. */
function imagined(options: object, { id = 'imagined', folder: given, parent = '', tracker = made(options) }: Partial<Imagined> = {}) {
  const folder = given === false ? undefined : (given ?? temporary())
  const events = new Subject<Recorded>()
  const warnings: string[] = []
  const spec = { name: id, seed: 3, inference: { use: 'map', batchSize: 10 } }
  if (folder) writeFileSync(join(folder, 'spec.yaml'), JSON.stringify(spec))
  const warn = (code: string, message: string) => void warnings.push(`${code}: ${message}`)
  const { flush } = tracker.attach({ id, spec, events, warn, ...(folder ? { folder } : {}), ...(parent ? { parent } : {}) })
  const emit = (event: RunEvent, path: readonly string[] = ['inference']) => events.next({ ...event, time: new Date().toISOString(), path })
  const steps = (from: number, to: number, path?: readonly string[]) => {
    for (let step = from; step < to; step++) emit({ type: 'step', fold: 'descent', step, of: to, values: { loss: 1 / (step + 1) } }, path)
  }
  const end = async () => {
    emit({ type: 'run.finished', seconds: 1 }, [])
    await flush()
    events.complete()
  }
  emit({ type: 'run.started', run: id, spec }, [])
  return { emit, steps, end, flush, warnings, folder: folder ?? '', tracker }
}

const textOf = (folder: string, file: string): string => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '')

const until = async (done: () => boolean): Promise<void> => {
  const end = Date.now() + 30_000
  while (!done() && Date.now() < end) await sleep(50)
  expect(done()).toBe(true)
}

/** Every step once, with its value. */
const whole = (points: readonly Metric[], steps: number) => {
  expect(points.length).toBe(steps)
  expect(points.map((p) => p.step)).toEqual(Array.from({ length: steps }, (_, i) => i))
  expect(points.every((p) => p.value === 1 / (p.step + 1))).toBe(true)
}

describe.skipIf(missing)('the tracker against a real server', { timeout: 180_000 }, () => {
  let server: Server
  let client: MlflowClient
  const named = async (name: string): Promise<MlflowRun[]> => {
    const experiment = await client.experiments.find('imagined')
    const found: MlflowRun[] = []
    for await (const run of client.runs.search([experiment!.id], { filter: `attributes.run_name = '${name}'` })) found.push(run)
    return found
  }

  beforeAll(async () => {
    server = await Server.start()
    client = new MlflowClient({ uri: server.uri })
  }, 120_000)
  afterAll(async () => {
    client.close()
    await server.stop()
  })

  it('loses nothing and repeats nothing where the server is killed mid-run and started again', async () => {
    const run = imagined({ uri: server.uri }, { id: 'killed' })
    run.steps(0, 4000)
    await until(() => /"position":[1-9]/.test(textOf(run.folder, 'mlflow.json')))
    await server.kill()
    for (let at = 4000; at < 8000; at += 500) {
      run.steps(at, at + 500)
      await sleep(50)
    }
    await sleep(500)
    await server.start()
    run.steps(8000, 9000)
    await run.end()
    const [found, ...others] = await named('killed')
    expect(others).toEqual([])
    expect(found).toMatchObject({ status: 'FINISHED', params: { seed: '3', inference: 'map', 'inference.batchSize': '10' } })
    whole(await client.runs.history(found!.id, 'descent/loss'), 9000)
    expect(run.warnings.join()).toMatch(/OCK-MLFLOW-019.*OCK-MLFLOW-001/)
    expect(run.warnings.length).toBe(1)
  })

  it('delivers 100,000 points', async () => {
    const run = imagined({ uri: server.uri }, { id: 'long' })
    for (let at = 0; at < 100_000; at += 1000) {
      run.steps(at, at + 1000)
      await sleep(1)
    }
    await run.end()
    whole(await client.runs.history((await named('long'))[0]!.id, 'descent/loss'), 100_000)
    expect(run.warnings).toEqual([])
  })

  it('leaves a run to sync where the server is away, and sync repeats nothing', async () => {
    const refused = await proxy(server.uri, { answer: () => ({ status: 503 }) })
    const run = imagined({ uri: refused.uri, patience: 0.5 }, { id: 'later' })
    run.steps(0, 300)
    await run.end()
    expect(run.warnings.join()).toMatch(/OCK-MLFLOW-022.*ockham sync later/)
    expect(await named('later')).toEqual([])
    await expect(sync(run.folder, { uri: refused.uri, patience: 0.2 })).rejects.toThrow(/OCK-MLFLOW-025/)
    // The answers to what makes something are lost once each.
    const lost = new Set<string>()
    refused.trouble.answer = () => undefined
    refused.trouble.lose = (call) => /runs.create|log-batch/.test(call) && lost.size < lost.add(call).size
    expect((await sync(run.folder, { uri: refused.uri })).sent).toBeGreaterThan(1000)
    expect((await sync(run.folder, { uri: refused.uri })).sent).toBe(0)
    const found = await named('later')
    expect(found.length).toBe(1)
    expect(lost.size).toBe(2)
    whole(await client.runs.history(found[0]!.id, 'descent/loss'), 300)
    refused.close()
    await expect(sync(temporary())).rejects.toThrow(/OCK-MLFLOW-023/)
  })

  it('adds nothing twice where a run is resumed', async () => {
    const first = imagined({ uri: server.uri }, { id: 'resumed' })
    first.steps(0, 200)
    first.emit({ type: 'evaluation', name: 'calibration', values: { 'test/nll': 0.5 } }, [])
    first.emit({ type: 'run.failed', code: 'OCK-RUN-003', message: 'interrupted' }, [])
    await first.flush()
    expect((await named('resumed'))[0]!.status).toBe('KILLED')
    const second = imagined({ uri: server.uri }, { id: 'resumed', folder: first.folder })
    second.emit({ type: 'resumed', fold: 'descent', step: 100 })
    second.steps(100, 400)
    second.emit({ type: 'evaluation', name: 'calibration', values: { 'test/nll': 0.5 } }, [])
    await second.end()
    const [found, ...others] = await named('resumed')
    expect([others, found!.status]).toEqual([[], 'FINISHED'])
    whole(await client.runs.history(found!.id, 'descent/loss'), 400)
    expect((await client.runs.history(found!.id, 'test/nll')).length).toBe(1)
  })

  it('nests members and children, two runs at once, without a folder of their own', async () => {
    const parent = imagined({ uri: server.uri }, { id: 'study', folder: false })
    const children = ['a', 'b'].map((name) =>
      imagined({}, { id: `study/children/${name}`, folder: false, parent: 'study', tracker: parent.tracker }),
    )
    for (let at = 0; at < 300; at += 10) for (const child of children) child.steps(at, at + 10)
    for (const i of [0, 1]) {
      children[0]!.emit({ type: 'stage.started', stage: `member ${i}` })
      children[0]!.steps(0, 50, ['inference', `member ${i}`])
      children[0]!.emit({ type: 'stage.finished', stage: `member ${i}` })
    }
    for (const child of children) await child.end()
    await parent.end()
    const [a] = await named('a')
    const [study] = await named('study')
    const below = async (id: string) => {
      const names: string[] = []
      for await (const run of client.runs.search([study!.experimentId], { filter: `tags.mlflow.parentRunId = '${id}'` })) {
        expect(run.status).toBe('FINISHED')
        names.push(run.name)
      }
      return names.sort()
    }
    expect(await below(study!.id)).toEqual(['a', 'b'])
    expect(await below(a!.id)).toEqual(['member 0', 'member 1'])
    whole(await client.runs.history(a!.id, 'descent/loss'), 300)
    whole(await client.runs.history((await named('member 1'))[0]!.id, 'descent/loss'), 50)
  })

  it('is not slowed by a server that answers after two seconds', async () => {
    const slow = await proxy(server.uri, { delay: 2000 })
    const run = imagined({ uri: slow.uri }, { id: 'slow' })
    const began = performance.now()
    run.steps(0, 5000)
    expect(performance.now() - began).toBeLessThan(1000)
    await sleep(500)
    slow.trouble.delay = 200
    await run.end()
    expect(run.warnings).toEqual([])
    whole(await client.runs.history((await named('slow'))[0]!.id, 'descent/loss'), 5000)
    slow.close()
  })

  it('goes on where the server refuses who asks, and says so once', async () => {
    const strict = await proxy(server.uri, { answer: () => ({ status: 401, body: 'You are not authenticated.' }) })
    const run = imagined({ uri: strict.uri }, { id: 'refused' })
    run.steps(0, 100)
    await sleep(300)
    run.steps(100, 200)
    const began = performance.now()
    await run.end()
    expect(performance.now() - began).toBeLessThan(5000)
    expect(run.warnings.map((w) => w.slice(0, 14))).toEqual(['OCK-MLFLOW-019', 'OCK-MLFLOW-022'])
    expect(run.warnings[0]).toMatch(/OCK-MLFLOW-002.*MLFLOW_TRACKING_TOKEN/)
    strict.close()
    await sync(run.folder, { uri: server.uri })
    whole(await client.runs.history((await named('refused'))[0]!.id, 'descent/loss'), 200)
  })

  it('sets aside what the server refuses for good, and goes on', async () => {
    const { id: experimentId } = await client.experiments.getOrCreate('imagined')
    const existing = await client.runs.create({ experimentId, name: 'existing' })
    await client.runs.log(existing.id, { params: { seed: '99' } })
    const run = imagined({ uri: server.uri, run: existing.id }, { id: 'on top' })
    run.steps(0, 100)
    await run.end()
    const found = await client.runs.get(existing.id)
    expect(found).toMatchObject({ status: 'FINISHED', params: { seed: '99', inference: 'map' } })
    whole(await client.runs.history(existing.id, 'descent/loss'), 100)
    expect(run.warnings.join()).toMatch(/OCK-MLFLOW-018.*Changing param values/)
    expect(readFileSync(join(run.folder, 'mlflow.refused.jsonl'), 'utf8').trim().split('\n').length).toBe(1)
  })

  it('samples the machine, and counts what came too fast', async () => {
    const run = imagined({ uri: server.uri, system: 0.1, queue: 1000 }, { id: 'fast' })
    run.steps(0, 50_000)
    await until(() => textOf(run.folder, 'mlflow.jsonl').includes('system/examples_per_second'))
    run.steps(50_000, 50_010)
    await run.end()
    const [found] = await named('fast')
    expect(found!.metrics['system/resident_memory_megabytes']).toBeGreaterThan(20)
    const speeds = await client.runs.history(found!.id, 'system/examples_per_second')
    expect(Math.max(...speeds.map((p) => p.value))).toBeGreaterThan(0)
    const points = await client.runs.history(found!.id, 'descent/loss')
    const dropped = Number(/(\d+) steps came faster/.exec(run.warnings.join())![1])
    expect(points.length + dropped).toBe(50_010)
    expect(points.at(-1)!.step).toBe(50_009)
    expect(existsSync(join(run.folder, 'mlflow.lock'))).toBe(false)
  })

  it('refuses an address that is none before anything starts', () => {
    expect(() => imagined({ uri: 'sqlite:///mlflow.db' })).toThrow(/OCK-MLFLOW-010/)
  })
})

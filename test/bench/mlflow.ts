import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBus, hostKey, memoryStore, PlacedRun, type Engine, type Tracker } from 'ockham'
import { MlflowClient, mlflowOptions, mlflowTracker, sync } from 'ockham/plugins/mlflow'
import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { missing, readBack, Server } from '../mlflow/server.js'
import { adamStep, feedsOf, initialCarry } from './mlp.js'
import { median, round, smallest } from './row.js'
import type { Result, Row } from './row.js'

const steps = 1500
const turns = 12
const feeds = feedsOf(32)
const folder = (): string => mkdtempSync(join(tmpdir(), 'ockham-bench-'))

/** What a step of a fold that reports its loss at every step takes in milliseconds: of the clock, and of this process's threads together. */
interface Times {
  readonly clock: number
  readonly threads: number
}

/** A fold listened to by a tracker, or by nobody. */
async function fold(engine: Engine, tracker: Tracker | undefined): Promise<Times> {
  const bus = createBus()
  const place = folder()
  writeFileSync(join(place, 'spec.yaml'), 'name: bench\n')
  const attached = tracker?.attach({ id: 'bench', spec: { name: 'bench' }, events: bus.events, folder: place })
  const run = new PlacedRun({
    ...{ key: hostKey(0), engine, signal: new AbortController().signal, store: memoryStore(), path: ['inference'], timings: {} },
    record: (event, path) => bus.emit(event, path),
  })
  let began = { clock: 0, threads: process.cpuUsage() }
  await run.fold('descent', {
    ...{ carry: initialCarry(), steps: steps + 200, step: adamStep, checkpoint: { seconds: 1e6 } },
    feed: (step) => feeds[step % feeds.length]!,
    absorb: (step) => {
      if (step === 199) began = { clock: performance.now(), threads: process.cpuUsage() }
    },
  })
  const clock = (performance.now() - began.clock) / steps
  const { user, system } = process.cpuUsage(began.threads)
  bus.emit({ type: 'run.finished', seconds: 1 })
  await attached?.flush()
  bus.close()
  return { clock, threads: (user + system) / 1000 / steps }
}

async function sink(): Promise<{ uri: string; stop(): void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'mlflow-sink.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return { uri: `http://127.0.0.1:${port.toString().trim()}`, stop: () => void child.kill() }
}

const overhead: Row = {
  about: 'a fold of about 1 ms a step that reports every step: tracked in MLflow, a sink and the real server, against untracked',
  async run(): Promise<Result> {
    const engine = createEngine(await onnxruntime({ threads: 2 }))
    const taking = await sink()
    const real = missing ? undefined : await Server.start()
    const tracker = (uri: string): Tracker => mlflowTracker(mlflowOptions.parse({ experiment: 'bench', uri }))
    const listeners = { none: undefined, sink: tracker(taking.uri), ...(real ? { real: tracker(real.uri) } : {}) }
    const times: Record<string, Times[]> = { none: [], sink: [], real: [] }
    // The first turn starts the writers, and does not count: a run composes and compiles meanwhile.
    for (let turn = 0; turn <= turns; turn++)
      for (const [name, listener] of Object.entries(listeners)) {
        const taken = await fold(engine, listener)
        if (turn > 0) times[name]!.push(taken)
      }
    taking.stop()
    await real?.stop()
    await engine.dispose()
    const of = (name: string, what: keyof Times): number[] => times[name]!.map((t) => t[what])
    // Neighbours in time are compared: the machine's load changes.
    const pairs = (name: string): number => median(of(name, 'clock').map((t, i) => t / of('none', 'clock')[i]!))
    return {
      ...{
        work: 'mlflow-overhead',
        ms: round(median(of('sink', 'clock'))),
        peerMs: round(median(of('none', 'clock'))),
        ratio: round(pairs('sink')),
      },
      minRatio: round(smallest(of('sink', 'clock')) / smallest(of('none', 'clock'))),
      threadsRatio: round(median(of('sink', 'threads')) / median(of('none', 'threads'))),
      realMs: real ? round(median(of('real', 'clock'))) : null,
      realRatio: real ? round(pairs('real')) : null,
      realMinRatio: real ? round(smallest(of('real', 'clock')) / smallest(of('none', 'clock'))) : null,
      ...(missing ? { reason: missing } : {}),
    }
  },
}

const points = 100_000

/** MLflow's Python client, a thousand points a call. */
const python = `
import json, time, mlflow
from mlflow.entities import Metric
c = mlflow.MlflowClient()
run = c.create_run(c.create_experiment('python-' + str(time.time())))
metrics = [Metric('loss', 1 / (i + 1), int(time.time() * 1000), i) for i in range(${points})]
start = time.time()
for i in range(0, ${points}, 1000):
    c.log_batch(run.info.run_id, metrics=metrics[i:i + 1000])
print(json.dumps({'ms': (time.time() - start) * 1000}))`

/** Ours: from the spool to the server, the run made on the way. */
async function deliver(uri: string, name: string): Promise<number> {
  const place = folder()
  const lines: object[] = [{ at: '', kind: 'run', key: name, name, time: Date.now(), experiment: 'ours', tags: {} }]
  for (let at = 0; at < points; at += 500)
    lines.push({ at: '', kind: 'metrics', points: Array.from({ length: 500 }, (_, i) => ['loss', 1 / (at + i + 1), Date.now(), at + i]) })
  writeFileSync(join(place, 'mlflow.jsonl'), lines.map((l) => `${JSON.stringify(l)}\n`).join(''))
  const began = performance.now()
  await sync(place, { uri })
  return performance.now() - began
}

const delivery: Row = {
  about: '100,000 points to a real server; peer: MLflow’s Python client, log_batch of 1000',
  async run(): Promise<Result> {
    if (missing) return { work: 'mlflow-points', ms: 0, peerMs: null, ratio: null, reason: missing }
    const server = await Server.start()
    const [ours, theirs]: [number[], number[]] = [[], []]
    for (let turn = 0; turn < 3; turn++) {
      ours.push(await deliver(server.uri, `turn ${turn}`))
      theirs.push(readBack<{ ms: number }>(server.uri, python).ms)
    }
    const client = new MlflowClient({ uri: server.uri })
    const { id } = await client.experiments.getOrCreate('ours')
    for await (const run of client.runs.search([id]))
      if ((await client.runs.history(run.id, 'loss')).length !== points) throw new Error(`${run.name} is not whole`)
    client.close()
    await server.stop()
    const [ms, peerMs] = [median(ours), median(theirs)]
    return {
      work: 'mlflow-points',
      ms: round(ms, 0),
      peerMs: round(peerMs, 0),
      ratio: round(ms / peerMs),
      minRatio: round(smallest(ours) / smallest(theirs)),
    }
  },
}

export const mlflow: Readonly<Record<string, Row>> = { 'mlflow-overhead': overhead, 'mlflow-points': delivery }

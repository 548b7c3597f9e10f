import { randomUUID } from 'node:crypto'
import type { Recorded } from 'ockham'
import { keyOf, written } from './client/batches.js'
import type { RunStatus } from './client/index.js'
import { fileName, filesBelow } from './files.js'
import { flatten, inputsOf } from './flatten.js'
import type { MlflowOptions } from './options.js'
import { isSeries, type Packed, type Series } from './packing.js'
import type { Point, Record as Line } from './record.js'
import { Ledger } from './ledger.js'
import type { Spool } from './spool.js'
import type { Start } from './start.js'

/** Stages that are alike and many: each becomes a nested run. */
const nested = /^(member|fold|seed|round|task|chain)[-_ .]?\d+$/

/** Writes what happens in one run to its spool, each thing once, also where the run was resumed. */
export class Keeper {
  readonly #ledger: Ledger
  #steps = 0
  #trains = false
  #measured = performance.now()

  constructor(
    readonly spool: Spool,
    readonly start: Start,
    readonly options: MlflowOptions,
  ) {
    this.#ledger = new Ledger(spool)
    const stopped = this.#ledger.runs.filter((at) => this.#ledger.status(at) !== 'FINISHED')
    if (this.#ledger.status('') === undefined) this.#begin()
    else this.#write(...['', ...stopped.filter((at) => at !== '')].map((at) => ({ at, kind: 'resumed' as const })))
  }

  /** Whether it can be sampled: begun and not ended. */
  get active(): boolean {
    return this.#ledger.status('') === 'RUNNING'
  }

  /** Steps of training a second since the last call, in examples and tokens where a step's are known. */
  speed(): Record<string, number> {
    // A run of runs takes no steps of its own.
    if (!this.#trains) return {}
    const seconds = Math.max(0.001, (performance.now() - this.#measured) / 1000)
    const { batch, tokens } = this.start
    const rate = this.#steps / seconds
    this.#steps = 0
    this.#measured = performance.now()
    return {
      'system/steps_per_second': rate,
      ...(batch === undefined ? {} : { 'system/examples_per_second': rate * batch }),
      ...(batch === undefined || tokens === undefined ? {} : { 'system/tokens_per_second': rate * batch * tokens }),
    }
  }

  take(items: readonly Packed[]): void {
    for (const item of items) {
      if (isSeries(item)) this.#series(item)
      else this.#event(item)
    }
  }

  /** Points of the machine: their step is their number. */
  sample(values: Readonly<Record<string, number>>): void {
    this.#ledger.points(
      '',
      Object.entries(values).map(([key, value]): Point => [key, written(value), Date.now(), this.#ledger.next('', key)]),
    )
  }

  #write(...lines: readonly Line[]): void {
    this.#ledger.write(...lines)
  }

  #begin(): void {
    const { start, options } = this
    const env = process.env
    const existing = options.run ?? (start.parent === undefined ? env['MLFLOW_RUN_ID'] : undefined)
    this.#write(
      {
        at: '',
        kind: 'run',
        key: randomUUID(),
        name: start.name,
        time: start.time,
        experiment: options.experiment ?? env['MLFLOW_EXPERIMENT_NAME'] ?? 'ockham',
        ...(options.uri === undefined ? {} : { uri: options.uri }),
        ...(existing === undefined || start.parent !== undefined ? {} : { existing }),
        ...(start.parent === undefined ? {} : { parent: start.parent }),
        tags: { ...start.tags, ...options.tags },
      },
      { at: '', kind: 'params', params: flatten(start.spec) },
      { at: '', kind: 'inputs', inputs: start.datasets.flatMap(inputsOf) },
      start.own
        ? { at: '', kind: 'file', path: 'spec.yaml', file: 'spec.yaml' }
        : { at: '', kind: 'text', path: 'spec.json', text: JSON.stringify(start.spec, null, 2) },
    )
  }

  /** The nested run that a path lies in, begun where it is new, and the rest of the path. */
  #place(path: readonly string[], time: number): { at: string; rest: readonly string[] } {
    const inner = path[0] === 'inference' ? path.slice(1) : path
    const depth = path[0] === 'inference' ? inner.findIndex((stage) => nested.test(stage)) : -1
    if (depth < 0) return { at: '', rest: inner }
    const at = inner.slice(0, depth + 1).join('/')
    if (this.#ledger.status(at) === undefined) {
      const tags = { 'ockham.run': `${this.start.tags['ockham.run'] ?? ''}/${at}` }
      this.#write({ at, kind: 'run', key: `${this.#ledger.key}/${at}`, name: at, time, experiment: '', tags })
    }
    return { at, rest: inner.slice(depth + 1) }
  }

  #series({ path, fold, names, steps, times, values }: Series): void {
    const { at, rest } = this.#place(path, times[0] ?? Date.now())
    const keys = names.map((name) => keyOf([...rest, fold, name].join('/')))
    const points: Point[] = []
    for (let i = 0; i < steps.length; i++)
      for (const [j, key] of keys.entries()) points.push([key, written(values[i * keys.length + j]!), times[i]!, steps[i]!])
    this.#ledger.points(at, points)
    if (path[0] !== 'inference') return
    this.#steps += steps.length
    this.#trains = true
  }

  #event(event: Exclude<Recorded, { type: 'step' }>): void {
    const time = Date.parse(event.time)
    switch (event.type) {
      case 'epoch': {
        const { at, rest } = this.#place(event.path, time)
        const entries = Object.entries(event.values)
        return this.#ledger.points(
          at,
          entries.map(([name, value]): Point => [keyOf([...rest, name].join('/')), written(value), time, event.epoch]),
        )
      }
      case 'evaluation':
        return this.#final(`evaluation ${event.name}`, event.values, time)
      case 'certificate': {
        const { bound, value, confidence, trivial } = event.certificate
        const named = Object.entries({ value, confidence, trivial }).map(([n, v]) => [`certificates/${bound}/${n}`, v] as const)
        this.#final(`certificate ${bound}`, Object.fromEntries(named), time)
        return this.#text(`certificates/${bound}.json`, JSON.stringify(event.certificate, null, 2))
      }
      case 'figure':
        return this.#write({
          at: '',
          kind: 'figure',
          path: `figures/${fileName(event.name)}`,
          spec: event.spec,
          once: `figure ${event.name}`,
        })
      case 'artifact':
        return this.#artifact(event.name, event.file)
      case 'warning':
        return this.#write({ at: '', kind: 'tags', tags: { [keyOf(`ockham.warning.${event.code}`)]: event.message } })
      case 'stage.finished':
        return this.#stageFinished(event.path, event.stage, time)
      case 'run.finished':
        this.#final('run seconds', { 'run/seconds': event.seconds }, time)
        return this.#end('FINISHED', time)
      case 'run.failed':
        this.#write({ at: '', kind: 'tags', tags: { 'ockham.error.code': event.code, 'ockham.error.message': event.message } })
        return this.#end(event.code === 'OCK-RUN-003' ? 'KILLED' : 'FAILED', time)
      default:
        return
    }
  }

  /** Values that stand at the end: after the last step of a metric of that name. */
  #final(once: string, values: Readonly<Record<string, number>>, time: number): void {
    const points = Object.entries(values).map(([name, value]): Point => {
      const key = keyOf(name)
      return [key, written(value), time, this.#ledger.next('', key)]
    })
    this.#write({ at: '', kind: 'metrics', points, once })
  }

  #text(path: string, text: string): void {
    this.#write({ at: '', kind: 'text', path, text, once: `text ${path}` })
  }

  #artifact(name: string, file: string): void {
    if (name !== 'posterior') return this.#write({ at: '', kind: 'file', path: file, file })
    if (!this.options.model) return
    const { register } = this.options
    const flat = flatten(this.start.spec)
    const params = Object.fromEntries(
      ['dataset', 'model', 'prior', 'objective', 'inference', 'seed'].flatMap((p) => (p in flat ? [[p, flat[p]!]] : [])),
    )
    const files = [file, 'spec.yaml']
    const model = {
      kind: 'model' as const,
      key: this.#ledger.key,
      name: this.start.name,
      files,
      params,
      ...(register === undefined ? {} : { register }),
    }
    this.#write({ at: '', ...model, once: 'model' })
  }

  #stageFinished(path: readonly string[], stage: string, time: number): void {
    if (path[0] !== 'inference' || !nested.test(stage)) return
    const at = [...path.slice(1), stage].join('/')
    if (this.#ledger.status(at)) this.#write({ at, kind: 'end', status: 'FINISHED', time, once: 'end' })
  }

  #end(status: RunStatus, time: number): void {
    if (this.start.own && this.options.checkpoints)
      for (const file of filesBelow(this.spool.folder, 'checkpoints')) this.#write({ at: '', kind: 'file', path: file, file })
    for (const at of this.#ledger.runs) if (this.#ledger.status(at) === 'RUNNING') this.#write({ at, kind: 'end', status, time })
  }
}

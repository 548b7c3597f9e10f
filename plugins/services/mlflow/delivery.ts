import { join, resolve } from 'node:path'
import { RunError } from 'ockham'
import { countOf, halves, MlflowError, type Batch, type Metric, type MlflowClient, type MlflowRun, type Strings } from './client/index.js'
import type { Record as Line } from './record.js'
import { Spool, type Delivered } from './spool.js'
import { uploadFigure, uploadModel } from './upload.js'

/** What a delivery needs beside its spool. */
export interface Way {
  readonly client: () => MlflowClient
  /** The delivery of another folder's spool: a parent's. */
  of(folder: string): Delivery
  warn(code: string, message: string): void
  /** Called whenever the server has taken something. */
  progress(): void
}

type Of<K extends Line['kind']> = Extract<Line, { kind: K }>

/** Milliseconds between two notes of how far the server has a spool: what is sent again after a kill is taken as the same. */
const noteEvery = 1000

/** Brings a spool to the server, in order and once. Throws where the server is away or refuses who asks; then it goes on from there. */
export class Delivery {
  readonly spool: Spool
  #state: Delivered | undefined
  #noted = 0
  #dirty = false
  #work: Promise<void> = Promise.resolve()

  constructor(
    readonly folder: string,
    readonly way: Way,
  ) {
    this.spool = new Spool(folder)
  }

  get state(): Delivered {
    return (this.#state ??= this.spool.delivered(this.way.client().uri))
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.spool.size - this.state.position
  }

  /** Sends until nothing waits. */
  drain(): Promise<void> {
    return (this.#work = this.#work.catch(() => undefined).then(() => this.#drain()))
  }

  async #drain(): Promise<void> {
    try {
      for (;;) {
        const { lines, end } = this.spool.read(this.state.position)
        if (end === this.state.position) return
        await this.#send(lines)
        this.state.position = end
        this.#dirty = true
        this.way.progress()
        this.#note(false)
      }
    } finally {
      if (this.#dirty) this.#note(true)
    }
  }

  #note(now: boolean): void {
    if (!now && performance.now() - this.#noted < noteEvery) return
    this.#noted = performance.now()
    this.#dirty = false
    this.spool.mark(this.state)
  }

  async #send(lines: readonly Line[]): Promise<void> {
    let gathered: { at: string; metrics: Metric[]; params: Record<string, string>; tags: Record<string, string> } | undefined
    const flush = async (): Promise<void> => {
      if (gathered) await this.#log(this.#run(gathered.at).id, gathered)
      gathered = undefined
    }
    for (const line of lines) {
      if (line.kind !== 'metrics' && line.kind !== 'params' && line.kind !== 'tags') {
        await flush()
        await this.#guarded(line, () => this.#one(line))
        continue
      }
      if (gathered?.at !== line.at) await flush()
      gathered ??= { at: line.at, metrics: [], params: {}, tags: {} }
      if (line.kind === 'metrics')
        for (const [key, value, time, step] of line.points) gathered.metrics.push({ key, value: Number(value), time, step })
      else Object.assign(line.kind === 'params' ? gathered.params : gathered.tags, line.kind === 'params' ? line.params : line.tags)
    }
    await flush()
  }

  #run(at: string): { readonly id: string; readonly root: string } {
    const run = this.state.runs[at]
    if (run) return run
    throw new RunError({ code: 'OCK-MLFLOW-017', what: `the spool has no run '${at}'`, where: this.spool.file })
  }

  /** What the server refuses for good is found by halving, set aside, and told; the rest goes through. */
  async #log(id: string, batch: Batch): Promise<void> {
    try {
      await this.way.client().runs.log(id, batch)
      this.way.progress()
    } catch (error) {
      if (!forGood(error)) throw error
      if (countOf(batch) < 2) return void this.#refuse(batch, error)
      for (const half of halves(batch)) await this.#log(id, half)
    }
  }

  async #guarded(line: Line, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.way.progress()
    } catch (error) {
      // Without its run nothing else of the spool can be sent.
      if (!forGood(error) || line.kind === 'run') throw error
      this.#refuse(line, error)
    }
  }

  #refuse(what: unknown, error: Error): void {
    this.spool.refuse(what, error.message)
    this.state.refused++
    if (this.state.refused === 1) this.way.warn('OCK-MLFLOW-018', `MLflow refused a part, kept in mlflow.refused.jsonl: ${error.message}`)
  }

  async #one(line: Exclude<Line, Of<'metrics'> | Of<'params'> | Of<'tags'>>): Promise<void> {
    const client = this.way.client()
    if (line.kind === 'run') return this.#begin(line)
    const { id, root } = this.#run(line.at)
    switch (line.kind) {
      case 'resumed':
        return client.runs.update(id, { status: 'RUNNING' })
      case 'end':
        return client.runs.update(id, { status: line.status, endTime: line.time })
      case 'inputs':
        return client.runs.logInputs(id, line.inputs)
      case 'text':
        return client.artifacts.uploadText(root, line.path, line.text)
      case 'file':
        return client.artifacts.upload(root, line.path, join(this.folder, line.file))
      case 'figure':
        return uploadFigure(client, root, line.path, line.spec)
      case 'model': {
        const model = await uploadModel(client, this.folder, line, id, this.state)
        this.state.models[line.key] = model
      }
    }
  }

  /** The MLflow run: one to go on with, the one made when the answer was lost, or a new one. */
  async #begin(line: Of<'run'>): Promise<void> {
    const known = this.state.runs[line.at]
    const client = this.way.client()
    const tags = { ...line.tags, 'ockham.key': line.key }
    if (known) return
    const parent = await this.#parentOf(line)
    if (line.existing !== undefined) {
      const run = await client.runs.get(line.existing)
      await client.runs.update(run.id, { status: 'RUNNING' })
      await client.runs.log(run.id, { tags })
      return void this.#made(line.at, run)
    }
    const experimentId = parent?.experimentId ?? (await client.experiments.getOrCreate(line.experiment, 'restore')).id
    for await (const run of client.runs.search([experimentId], { filter: `tags.\`ockham.key\` = '${line.key}'` }))
      return void this.#made(line.at, run)
    const made = { experimentId, name: line.name, startTime: line.time, ...(parent ? { parent: parent.id } : {}) }
    return void this.#made(line.at, await client.runs.create({ ...made, tags: capped(tags) }))
  }

  #made(at: string, run: MlflowRun): void {
    this.state.runs[at] = { id: run.id, root: run.artifactUri }
    this.state.experimentId = run.experimentId
    this.#note(true)
  }

  async #parentOf(line: Of<'run'>): Promise<{ id: string; experimentId: string | undefined } | undefined> {
    if (line.at !== '') return { id: this.#run('').id, experimentId: this.state.experimentId }
    if (line.parent === undefined) return undefined
    const parent = this.way.of(resolve(this.folder, line.parent))
    if (!parent.state.runs['']) await parent.drain()
    const run = parent.state.runs['']
    return run && { id: run.id, experimentId: parent.state.experimentId }
  }
}

/** A run is made with its tags: what is too long there would be cut by the server. */
const capped = (tags: Strings): Strings => Object.fromEntries(Object.entries(tags).map(([k, v]) => [k, v.slice(0, 5000)]))

/** Neither the server's absence nor who asks is the reason, so that asking again would not help. */
const forGood = (error: unknown): error is Error =>
  error instanceof MlflowError
    ? !error.transient && !error.refused
    : error instanceof Error && !('code' in error && error.code === 'OCK-MLFLOW-017')

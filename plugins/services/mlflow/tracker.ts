import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { Worker } from 'node:worker_threads'
import { connect } from './client/connection.js'
import type { Json, Tracked, Tracker } from 'ockham'
import type { Order, Setup, Word } from './messages.js'
import type { MlflowOptions } from './options.js'
import { Packer } from './packing.js'
import type { Start } from './start.js'

/** Steps, and milliseconds, after which what was gathered goes to the writer. */
const [most, longest] = [2000, 500]

/** The writer: a thread of its own, since the engine blocks the one that trains. Started with the first run. */
class Writer {
  readonly #taken = new SharedArrayBuffer(4)
  readonly #counter = new Int32Array(this.#taken)
  readonly #worker: Worker
  readonly #tickets = new Map<number, (word: Extract<Word, { type: 'flushed' }>) => void>()
  readonly warned = new Map<string, (code: string, message: string) => void>()
  #posted = 0
  #ticket = 0
  #broken: string | undefined

  constructor(options: MlflowOptions) {
    const workerData: Setup = { options, taken: this.#taken }
    this.#worker = new Worker(new URL('./worker-entry.mjs', import.meta.url), { workerData })
    // A process may end while the writer waits for work; what it has taken in is on disk.
    this.#worker.unref()
    this.#worker.on('message', (word: Word) => this.#hear(word))
    this.#worker.on('error', (error) => this.#end(`the MLflow writer failed: ${error.message}`))
    this.#worker.on('exit', () => this.#end('the MLflow writer ended'))
  }

  /** Steps on their way. */
  get waiting(): number {
    return (this.#posted - Atomics.load(this.#counter, 0)) | 0
  }

  post(order: Order, transfer: readonly ArrayBuffer[] = []): void {
    if (order.type === 'events') this.#posted = (this.#posted + order.steps) | 0
    if (this.#broken === undefined) this.#worker.postMessage(order, [...transfer])
  }

  /** Resolves when the writer has brought everything to the server, or kept it for later. */
  flush(folder: string, deliver: boolean): Promise<Extract<Word, { type: 'flushed' }>> {
    if (this.#broken !== undefined) return Promise.resolve({ type: 'flushed', ticket: 0, done: false, reason: this.#broken })
    const ticket = ++this.#ticket
    this.#worker.ref()
    const told = new Promise<Extract<Word, { type: 'flushed' }>>((settle) => this.#tickets.set(ticket, settle))
    this.post({ type: 'flush', folder, ticket, deliver })
    return told
  }

  #hear(word: Word): void {
    if (word.type === 'warning') return this.warned.get(word.folder)?.(word.code, word.message)
    this.#tickets.get(word.ticket)?.(word)
    this.#tickets.delete(word.ticket)
    if (this.#tickets.size === 0) this.#worker.unref()
  }

  #end(reason: string): void {
    if (this.#broken !== undefined) return
    this.#broken = reason
    for (const warn of this.warned.values()) warn('OCK-MLFLOW-020', reason)
    for (const [ticket, settle] of this.#tickets) settle({ type: 'flushed', ticket, done: false, reason })
    this.#tickets.clear()
  }
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

function startOf({ id, spec, datasets = [], engine, versions = {} }: Tracked, own: boolean, parent: string | undefined): Start {
  const { name, seed, inference } = (typeof spec === 'object' && spec !== null ? spec : {}) as { [name: string]: Json | undefined }
  const x = datasets.find((d) => d.where === 'dataset')?.meta.shapes['x']
  const batch = number((inference as { batchSize?: unknown } | undefined)?.batchSize)
  const tokens = x?.dtype === 'int32' && x.shape.length === 1 ? x.shape[0] : undefined
  const child = id.split('/children/').at(-1)!
  return {
    spec,
    name: id.includes('/children/') || typeof name !== 'string' ? child : name,
    time: Date.now(),
    own,
    ...(parent === undefined ? {} : { parent }),
    tags: {
      'ockham.run': id,
      ...(seed === undefined ? {} : { 'ockham.seed': JSON.stringify(seed) }),
      ...(engine ? { 'ockham.engine': engine.name, 'ockham.engine.build': JSON.stringify(engine.build) } : {}),
      ...Object.fromEntries(Object.entries(versions).map(([what, version]) => [`ockham.version.${what.replaceAll('@', '')}`, version])),
    },
    datasets,
    ...(batch === undefined ? {} : { batch }),
    ...(tokens === undefined ? {} : { tokens }),
  }
}

/** A tracker whose runs become MLflow runs. It never waits for the server while a run goes on. Errors: `OCK-MLFLOW-009`, `-010`. */
export function mlflowTracker(options: MlflowOptions): Tracker {
  // A wrong address is found before anything starts.
  connect(options.uri === undefined ? {} : { uri: options.uri })
  let writer: Writer | undefined
  const folders = new Map<string, string>()
  return {
    attach(run) {
      const made = (writer ??= new Writer(options))
      const own = run.folder !== undefined
      const folder = run.folder ?? mkdtempSync(join(tmpdir(), 'ockham-mlflow-'))
      folders.set(run.id, folder)
      const parentFolder = run.parent === undefined ? undefined : folders.get(run.parent)
      const warn = run.warn ?? (() => undefined)
      made.warned.set(folder, warn)
      const parent = parentFolder === undefined ? undefined : relative(folder, parentFolder)
      made.post({ type: 'start', folder, start: startOf(run, own, parent), script: basename(process.argv[1] ?? 'ockham') })
      return follow(made, run, folder, own, options.queue, warn)
    },
  }
}

/** Listens to one run: gathers, hands over, drops steps where the writer is too far behind. */
function follow(writer: Writer, run: Tracked, folder: string, own: boolean, queue: number, warn: NonNullable<Tracked['warn']>) {
  const packer = new Packer()
  let timer: NodeJS.Timeout | undefined
  let dropped = 0
  const hand = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (packer.empty) return
    const steps = packer.steps
    const { items, transfer } = packer.take()
    writer.post({ type: 'events', folder, items, steps }, transfer)
  }
  run.events.subscribe({
    next(event) {
      if (event.type !== 'step') {
        packer.add(event)
        return void hand()
      }
      if (writer.waiting + packer.steps >= queue) {
        dropped++
        return
      }
      packer.add(event)
      if (packer.steps >= most) hand()
      else timer ??= setTimeout(hand, longest).unref()
    },
    complete() {
      hand()
      writer.post({ type: 'close', folder })
      writer.warned.delete(folder)
    },
  })
  return {
    async flush() {
      if (dropped > 0) warn('OCK-MLFLOW-021', `${dropped} steps came faster than they could be kept for MLflow, and are not in it`)
      dropped = 0
      hand()
      // A child does not wait for the server: its parent does, at the end.
      const { done, reason } = await writer.flush(folder, run.parent === undefined)
      if (!done)
        warn('OCK-MLFLOW-022', `MLflow does not have all of this run${reason ? ` (${reason})` : ''} → ockham sync ${own ? run.id : folder}`)
    },
  }
}

import { join } from 'node:path'
import {
  type Bus,
  createBus,
  execute,
  hostKey,
  memoryStore,
  OckhamError,
  type Composition,
  type Engine,
  type Place,
  type Posterior,
  type Recorded,
  type Result,
  type Tracked,
  type Tracker,
  type Work,
} from 'ockham'
import type { Observable } from 'rxjs'
import { diskStore, journal, readHistory, readJournal, writeDurably } from '../../plugins/services/journal/index.js'
import { messageFile, writeMessage } from './message.js'
import { writePosterior, writeResult } from './record.js'
import { versions } from './versions.js'

/** How a run is carried out. */
export interface RunOptions {
  readonly signal?: AbortSignal
  /** Folder or id of an earlier attempt at the same spec, to go on with. */
  readonly resume?: string
  /** Called when a run starts, with its name among its siblings. */
  readonly listen?: (events: Observable<Recorded>, name: string) => void
}

/** One finished run. */
export interface RunRecord {
  readonly id: string
  readonly folder?: string
  readonly result: Result
  readonly posterior?: Posterior
  /** Children by name, where the spec has variants or seeds. */
  readonly runs?: Readonly<Record<string, RunRecord>>
}

/** What one run needs from its host. */
export interface Attempt {
  readonly id: string
  readonly name: string
  readonly folder: string | undefined
  /** Identity of the run that this one is a child of. */
  readonly parent?: string
  readonly engine: Engine
  readonly trackers: readonly Tracker[]
  readonly composition: Composition
  readonly work: Work
  readonly options: RunOptions
}

/** Attaches trackers to a run's events; `end` flushes all of them and closes the bus. */
export function track(
  trackers: readonly Tracker[],
  bus: Bus,
  run: Omit<Tracked, 'events' | 'warn'>,
): { journal(): Promise<void>; end(): Promise<void> } {
  const warn = (code: string, message: string): void => bus.emit({ type: 'warning', code, message })
  const attached = trackers.map((t) => t.attach({ ...run, events: bus.events, warn }))
  return {
    journal: async () => attached[0]?.flush(),
    async end() {
      await Promise.all(attached.map((a) => a.flush()))
      bus.close()
    },
  }
}

/** What the model would have other programs read. */
const filesOf = ({ model, dataset }: Work, { weights }: Posterior): Readonly<Record<string, Uint8Array | string>> =>
  weights && 'apply' in model ? (model.files?.(weights.point(), dataset.meta) ?? {}) : {}

/** Runs one composition to the end, in its folder; goes on where a run in that folder stopped. */
export async function attempt({ id, name, folder, parent, engine, trackers, composition, work, options }: Attempt): Promise<RunRecord> {
  const bus = createBus((message) => void process.stderr.write(`${message}\n`))
  const resumed = folder !== undefined && readJournal(folder).length > 0
  const tracked = track([journal(), ...trackers], bus, {
    id,
    spec: composition.plain,
    ...(folder === undefined ? {} : { folder }),
    ...(parent === undefined ? {} : { parent }),
    engine: { name: engine.name, build: engine.build },
    versions: versions(),
    datasets: composition.datasets.map((d) => (d.where === 'dataset' ? { ...d, meta: work.dataset.meta } : d)),
  })
  options.listen?.(bus.events, name)
  const began = performance.now()
  const place: Place = {
    key: hostKey(composition.seed),
    engine,
    signal: options.signal ?? new AbortController().signal,
    store: folder === undefined ? memoryStore() : diskStore(`${folder}/checkpoints`),
    path: [],
    timings: {},
    record: (event, path) => bus.emit(event, path),
  }
  bus.emit({
    type: 'run.started',
    run: id,
    spec: composition.plain,
    engine: { name: engine.name, build: engine.build },
    ...(resumed ? { resumed } : {}),
  })
  try {
    const { posterior, ...found } = await execute(work, place)
    if (folder !== undefined) {
      writePosterior(folder, posterior, composition.dataset.meta)
      bus.emit({ type: 'artifact', name: 'posterior', file: 'posterior.safetensors' })
      for (const [file, bytes] of Object.entries(filesOf(work, posterior))) {
        writeDurably(join(folder, file), bytes)
        bus.emit({ type: 'artifact', name: file, file })
      }
      if (posterior.message) {
        writeMessage(folder, posterior.message, found.certificates)
        bus.emit({ type: 'artifact', name: 'message', file: messageFile })
      }
    }
    const result: Result = {
      run: id,
      spec: composition.plain,
      ...found,
      timings: { ...place.timings },
      versions: versions(),
      engine: { name: engine.name, build: engine.build },
    }
    bus.emit({ type: 'run.finished', seconds: (performance.now() - began) / 1000 })
    if (folder !== undefined) {
      // The report is drawn from the journal; the other trackers wait for it.
      await tracked.journal()
      await writeResult(folder, result, readHistory(folder))
      bus.emit({ type: 'artifact', name: 'report', file: 'report.html' })
      bus.emit({ type: 'artifact', name: 'result', file: 'result.json' })
    }
    return { id, result, posterior, ...(folder === undefined ? {} : { folder }) }
  } catch (error) {
    bus.emit({
      type: 'run.failed',
      code: error instanceof OckhamError ? error.code : 'OCK-RUN-000',
      message: error instanceof Error ? error.message : String(error),
    })
    throw error
  } finally {
    await tracked.end()
  }
}

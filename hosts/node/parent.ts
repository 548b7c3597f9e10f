import { createBus, OckhamError, type Engine, type Json, type RunEvent, type Tracker } from 'ockham'
import { journal } from '../../plugins/services/journal/index.js'
import { track } from './attempt.js'
import { versions } from './versions.js'

/** A run of runs, as its trackers are told of it. */
export interface Parent {
  readonly id: string
  readonly spec: Json
  readonly folder: string | undefined
  readonly engine: Engine
  readonly trackers: readonly Tracker[]
  /** What its warnings are printed under. */
  readonly label: string
}

/** Does the work of a parent run between its `run.started` and its `run.finished`, so that its children can be nested below it. */
export async function asParent<T>(parent: Parent, work: (emit: (event: RunEvent) => void) => Promise<T>): Promise<T> {
  const { id, spec, folder, engine, trackers, label } = parent
  const bus = createBus()
  const tracked = track([journal(), ...trackers], bus, {
    ...{ id, spec, engine: { name: engine.name, build: engine.build }, versions: versions() },
    ...(folder === undefined ? {} : { folder }),
  })
  // A parent shows no progress: what its trackers warn of is told here.
  bus.events.subscribe((event) => {
    if (event.type === 'warning') process.stderr.write(`${label}: warning ${event.code}: ${event.message}\n`)
  })
  const began = performance.now()
  bus.emit({ type: 'run.started', run: id, spec, engine: { name: engine.name, build: engine.build } })
  try {
    const done = await work((event) => bus.emit(event))
    bus.emit({ type: 'run.finished', seconds: (performance.now() - began) / 1000 })
    return done
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    bus.emit({ type: 'run.failed', code: error instanceof OckhamError ? error.code : 'OCK-RUN-000', message })
    throw error
  } finally {
    await tracked.end()
  }
}

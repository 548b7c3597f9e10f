import type { Evaluation, Fold, Inference, Json, Posterior, Problem, Report, Run, RunEvent, Saved, Values } from '../contracts/index.js'
import { Interrupted } from '../errors.js'
import { checkFold, driveFold } from './fold.js'
import type { Place } from './place.js'
import type { Stored } from './store.js'

/** A Run in a place: what inferences, evaluations and bounds are given. */
export class PlacedRun implements Run {
  constructor(readonly place: Place) {}

  get key() {
    return this.place.key
  }
  get engine() {
    return this.place.engine
  }
  get signal() {
    return this.place.signal
  }

  emit(event: RunEvent): void {
    this.place.record(event, this.place.path)
  }

  fold(name: string, fold: Fold): Promise<Values> {
    checkFold(name, fold)
    return driveFold(this.place, name, fold)
  }

  async stage<T extends Values>(name: string, work: (run: Run) => Promise<T>): Promise<T> {
    // A stage may be all of the work, such as a sampler's: planning must not do it.
    await this.place.planned?.(name, 1)
    return this.#durable(
      name,
      async (run) => work(run),
      (values) => ({ values, meta: null }),
      (stored) => stored.values as T,
    )
  }

  infer(name: string, inference: Inference, problem: Problem): Promise<Posterior> {
    return this.#durable<Posterior>(
      name,
      (run) => inference.infer(problem, run),
      (posterior) => {
        const { kind, values, meta } = posterior.save()
        return { values, meta: { kind, meta } }
      },
      (stored) => inference.restore({ ...(stored.meta as unknown as Pick<Saved, 'kind' | 'meta'>), values: stored.values }, problem),
    )
  }

  /** An evaluation as a durable stage: its report is kept. */
  evaluate(name: string, evaluation: Evaluation, posterior: Posterior, problem: Problem): Promise<Report> {
    return this.keep<Report>(name, (run) => evaluation.evaluate(posterior, problem, run))
  }

  /** Durable work whose result is plain data. */
  keep<T>(name: string, work: (run: Run) => Promise<T>): Promise<T> {
    return this.#durable<T>(
      name,
      work,
      (result) => ({ values: {}, meta: result as Json }),
      (stored) => stored.meta as T,
    )
  }

  async #durable<T>(
    name: string,
    work: (run: Run) => Promise<T>,
    pack: (result: T) => Stored,
    unpack: (stored: Stored) => T | Promise<T>,
  ): Promise<T> {
    const path = [...this.place.path, name]
    const file = `${path.join('/')}.stage`
    const inside: Place = { ...this.place, key: this.place.key.fold(name), path }
    const saved = await this.place.store.read(file)
    if (saved) {
      this.place.timings[path.join('/')] ??= (saved.meta as { seconds: number }).seconds
      this.emit({ type: 'stage.started', stage: name })
      const restored = await unpack({ values: saved.values, meta: (saved.meta as { result: Json }).result })
      this.emit({ type: 'stage.finished', stage: name, reused: true })
      return restored
    }
    this.#heed(name)
    this.emit({ type: 'stage.started', stage: name })
    const began = performance.now()
    const result = await work(new PlacedRun(inside))
    const seconds = (performance.now() - began) / 1000
    this.place.timings[path.join('/')] = seconds
    const { values, meta } = pack(result)
    await this.place.store.write(file, { values, meta: { result: meta, seconds } })
    this.emit({ type: 'stage.finished', stage: name })
    this.#heed(name)
    return result
  }

  /** Between stages nothing is lost by stopping: what is finished is kept. */
  #heed(stage: string): void {
    if (this.signal.aborted)
      throw new Interrupted({
        code: 'OCK-RUN-003',
        what: 'the run was interrupted',
        where: stage,
        remedy: 'ockham resume goes on from here',
      })
  }
}

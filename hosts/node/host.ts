import 'reflect-metadata'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { container as root, type DependencyContainer } from 'tsyringe'
import {
  check,
  ENGINE,
  fromPlain,
  hostKey,
  InputError,
  planOf,
  type CheckedRun,
  type Composition,
  type Dataset,
  type Engine,
  type Json,
  type PipelineSpec,
  type Plan,
  type Plugin,
  type Posterior,
  type Registry,
  type Result,
  type Tracker,
  type Work,
} from 'ockham'
import { limited } from '../../plugins/parts/datasets/index.js'
import { readHistory, writeDurably } from '../../plugins/services/journal/index.js'
import { attempt, type RunOptions, type RunRecord } from './attempt.js'
import { defaultEngine, startEngine, type EngineName } from './engines.js'
import { childFolder, defaultOut, findFolder, idOf, newFolder, readResult } from './folder.js'
import { readWeights } from './initial.js'
import { loadPosterior, type Loaded } from './load.js'
import { writeResult } from './record.js'
import { packageRegistry } from './registry.js'
import { tableOf } from './table.js'
import { versions } from './versions.js'
import { readYaml, toYaml } from './yaml.js'

export interface HostOptions {
  readonly engine?: EngineName
  /** Threads of the engine; by default one a core. */
  readonly threads?: number
  /** Folder of run folders (default `runs`); false keeps everything in memory. */
  readonly out?: string | false
  /** Listeners that keep a record beside the journal. */
  readonly trackers?: readonly Tracker[]
  /** Plugins given as objects, beside those of the registry. */
  readonly plugins?: readonly Plugin[]
}

/** Where pipelines run: registry, engine, trackers and run folders of this process. */
export class Host {
  readonly #container: DependencyContainer
  readonly #out: string | undefined
  readonly #trackers: readonly Tracker[]

  constructor(
    readonly registry: Registry,
    readonly engine: Engine,
    options: HostOptions,
  ) {
    this.#container = root.createChildContainer()
    this.#container.register(ENGINE, { useValue: engine })
    this.#out = options.out === false ? undefined : (options.out ?? defaultOut)
    this.#trackers = options.trackers ?? []
    for (const plugin of options.plugins ?? []) registry.add(plugin)
  }

  /** Checks a spec, all problems in one error, and gives what can be started. Nothing has run yet. */
  async compose(spec: PipelineSpec): Promise<{ start(options?: RunOptions): Promise<Study> }> {
    await this.#check(spec)
    return {
      start: async (options = {}) => {
        const record = await this.run(spec, options)
        return {
          ...record,
          runs: record.runs ?? { run: record },
          table: record.result.tables['variants'] ?? tableOf({ run: record.result }),
        }
      },
    }
  }

  /** Runs a spec to the end: one run, or a parent with a child a variant and seed. */
  async run(spec: PipelineSpec, options: RunOptions = {}): Promise<RunRecord> {
    const compositions = await this.#compose(await this.#check(spec))
    const folder = this.#out === undefined ? undefined : newFolder(this.#out, spec.name ?? '')
    return this.#carryOut(spec, compositions, folder, options)
  }

  /** Goes on with a run in its folder; a finished one is read back. */
  async resume(run: string, options: RunOptions = {}): Promise<RunRecord> {
    const folder = findFolder(run, this.#out ?? defaultOut)
    const spec = fromPlain(readYaml(join(folder, 'spec.yaml')))
    return this.#carryOut(spec, await this.#compose(await this.#check(spec)), folder, options)
  }

  /** Composes and compiles, and says what a run would take, by child. */
  async plan(spec: PipelineSpec): Promise<Record<string, Plan>> {
    const plans: Record<string, Plan> = {}
    for (const { name, composition } of await this.#compose(await this.#check(spec))) {
      const place = {
        key: hostKey(composition.seed),
        engine: this.engine,
        signal: new AbortController().signal,
        path: [],
        timings: {},
        record: () => undefined,
      }
      plans[name] = await planOf(await this.#work(composition), place)
      await composition.dispose()
    }
    return plans
  }

  /** What a run learnt, ready to predict; needs no data. */
  load(run: string): Promise<Loaded> {
    return loadPosterior(findFolder(run, this.#out ?? defaultOut), (spec) => this.#check(spec))
  }

  async dispose(): Promise<void> {
    await this.engine.dispose()
  }

  #check(spec: PipelineSpec): Promise<readonly CheckedRun[]> {
    return check(spec, { registry: this.registry, container: this.#container, capabilities: this.engine.capabilities })
  }

  /** Creates every child's components before anything starts, so that bad input is found while nothing is lost. */
  async #compose(checked: readonly CheckedRun[]): Promise<{ name: string; composition: Composition }[]> {
    const compositions: { name: string; composition: Composition }[] = []
    for (const { name, create } of checked) compositions.push({ name, composition: await create() })
    return compositions
  }

  async #carryOut(
    spec: PipelineSpec,
    children: readonly { name: string; composition: Composition }[],
    folder: string | undefined,
    options: RunOptions,
  ): Promise<RunRecord> {
    const only = children.length === 1 && children[0]!.name === '' ? children[0]! : undefined
    if (only) return this.#one(only.composition, only.name || (spec.name ?? 'run'), folder, options)
    const plain = await plainOf(spec)
    if (folder !== undefined) writeDurably(join(folder, 'spec.yaml'), toYaml(plain))
    const runs: Record<string, RunRecord> = {}
    for (const { name, composition } of children)
      runs[name] = await this.#one(composition, name, folder === undefined ? undefined : childFolder(folder, name), options)
    const id = folder === undefined ? (spec.name ?? 'run') : idOf(folder)
    const result = this.#summary(id, plain, runs)
    if (folder !== undefined) {
      const histories = Object.fromEntries(
        Object.entries(runs).map(([n, r]) => [n, { result: r.result, events: readHistory(childFolder(folder, n)) }]),
      )
      await writeResult(folder, result, [], histories)
    }
    return { id, result, runs, ...(folder === undefined ? {} : { folder }) }
  }

  async #one(composition: Composition, name: string, folder: string | undefined, options: RunOptions): Promise<RunRecord> {
    try {
      const finished = folder === undefined ? undefined : readResult(folder)
      if (folder !== undefined && finished)
        return { id: idOf(folder), folder, result: finished, posterior: (await this.load(folder)).posterior }
      if (folder !== undefined && !existsSync(join(folder, 'spec.yaml'))) writeDurably(join(folder, 'spec.yaml'), toYaml(composition.plain))
      const id = folder === undefined ? name : idOf(folder)
      return await attempt({
        id,
        name,
        folder,
        engine: this.engine,
        trackers: this.#trackers,
        composition,
        work: await this.#work(composition),
        options,
      })
    } finally {
      await composition.dispose()
    }
  }

  /** A parent's result: its children's values and certificates, and one table. */
  #summary(id: string, spec: Json, runs: Readonly<Record<string, RunRecord>>): Result {
    const variants = Object.fromEntries(
      Object.entries(runs).map(([n, { result }]) => [n, { run: result.run, values: result.values, certificates: result.certificates }]),
    )
    const timings = Object.fromEntries(
      Object.entries(runs).map(([n, { result }]) => [
        n,
        Object.entries(result.timings).reduce((s, [stage, t]) => (stage.includes('/') ? s : s + t), 0),
      ]),
    )
    return {
      run: id,
      spec,
      values: {},
      tables: { variants: tableOf(variants) },
      figures: {},
      certificates: [],
      timings,
      versions: versions(),
      engine: { name: this.engine.name, build: this.engine.build },
      variants,
    }
  }

  async #work(composition: Composition): Promise<Work> {
    const { initial, limit, ...rest } = composition
    const dataset: Dataset = limit === undefined ? rest.dataset : limited(rest.dataset, limit)
    return { ...rest, dataset, ...(initial === undefined ? {} : { initial: await this.#initial(initial) }) }
  }

  /** Where learning starts: a posterior, a finished run, a run folder or id, or a file of weights. */
  async #initial(initial: unknown): Promise<Posterior> {
    if (typeof initial === 'string') return initial.endsWith('.safetensors') ? readWeights(initial) : (await this.load(initial)).posterior
    const given = initial as Partial<Posterior & RunRecord>
    if (typeof given.predict === 'function') return given as Posterior
    if (given.posterior) return given.posterior
    throw new InputError({
      code: 'OCK-SPEC-032',
      what: 'initial is neither a posterior nor a run',
      where: 'initial',
      remedy: 'give a posterior, a run, its folder or id, or a .safetensors file',
    })
  }
}

/** A study as code sees it: every child by name, and one table. */
export interface Study extends RunRecord {
  readonly runs: Readonly<Record<string, RunRecord>>
  readonly table: Result['tables'][string]
}

const plainOf = async (spec: PipelineSpec): Promise<Json> => (await import('ockham')).toPlain(spec)

/** Starts an engine and reads the registry. */
export async function createHost(options: HostOptions = {}): Promise<Host> {
  return new Host(packageRegistry(), await startEngine(options.engine ?? defaultEngine, options.threads), options)
}

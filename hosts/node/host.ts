import 'reflect-metadata'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { container as root, type DependencyContainer } from 'tsyringe'
import {
  check,
  ENGINE,
  fromPlain,
  InputError,
  toPlain,
  type CheckedRun,
  type Engine,
  type Json,
  type PipelineSpec,
  type Plugin,
  type Registry,
  type Result,
  type Tracker,
  type Use,
} from 'ockham'
import { readHistory, writeDurably } from '../../plugins/services/journal/index.js'
import { certifyRun, decodeMessage, type Certified, type Decoded } from './certify.js'
import { attempt, type RunOptions, type RunRecord } from './attempt.js'
import { defaultEngine, startEngine, type EngineName, type Provider } from './engines.js'
import { childFolder, defaultOut, findFolder, idOf, newFolder, readResult } from './folder.js'
import { loadPosterior, type Loaded } from './load.js'
import { checkAgain } from './again.js'
import type { Plan } from './plan.js'
import { planRun, preflight } from './preflight.js'
import { disposeAll, prepare, startOf, workOf, type Prepared } from './prepare.js'
import { writeResult } from './record.js'
import { packageRegistry } from './registry.js'
import { asParent } from './parent.js'
import { summary, tableOf, toCsv } from './table.js'
import { createTrackers } from './trackers.js'
import { readYaml, toYaml } from './yaml.js'

export interface HostOptions {
  readonly engine?: EngineName
  /** Threads of the engine; by default one a core. */
  readonly threads?: number
  /** Execution provider of the engine onnxruntime: cpu (the default), webgpu or cuda. */
  readonly provider?: Provider
  /** Time every operation: `host.engine.profile()` gives the table, once. */
  readonly profile?: boolean
  /** Where a result is not finite, find the first operation that made one; costs a copy of the state at every call. */
  readonly checkFinite?: boolean
  /** Folder of run folders (default `runs`); false keeps everything in memory. */
  readonly out?: string | false
  /** Listeners that keep a record beside the journal. */
  readonly trackers?: readonly Use<'tracker'>[]
  /** Plugins given as objects, beside those of the registry. */
  readonly plugins?: readonly Plugin[]
}

/** A study as code sees it: every child by name, and one table. */
export interface Study extends RunRecord {
  readonly runs: Readonly<Record<string, RunRecord>>
  readonly table: Result['tables'][string]
}

/** Where pipelines run: registry, engine, trackers and run folders of this process. */
export class Host {
  readonly #container: DependencyContainer
  readonly #out: string | undefined
  readonly #trackers: readonly Tracker[]

  constructor(
    readonly registry: Registry,
    readonly engine: Engine,
    options: Omit<HostOptions, 'trackers'>,
    trackers: readonly Tracker[] = [],
  ) {
    this.#container = root.createChildContainer()
    this.#container.register(ENGINE, { useValue: engine })
    this.#out = options.out === false ? undefined : (options.out ?? defaultOut)
    this.#trackers = trackers
    for (const plugin of options.plugins ?? []) registry.add(plugin)
  }

  /** Checks a spec, all problems in one error, and gives what can be started. Nothing has run yet. */
  async compose(spec: PipelineSpec): Promise<{ start(options?: RunOptions): Promise<Study> }> {
    await this.#check(spec)
    return {
      start: async (options = {}) => {
        const record = await this.run(spec, options)
        const table = record.result.tables['variants'] ?? tableOf({ run: record.result })
        return { ...record, runs: record.runs ?? { run: record }, table }
      },
    }
  }

  /** Runs a spec to the end: one run, or a parent with a child a variant and seed. With `resume`, in the folder of an earlier attempt. */
  async run(spec: PipelineSpec, options: RunOptions = {}): Promise<RunRecord> {
    const prepared = await prepare(await this.#check(spec))
    try {
      const folder = options.resume === undefined ? await this.#fresh(spec, prepared) : this.#find(options.resume)
      return await this.#carryOut(spec, prepared, folder, options)
    } finally {
      await disposeAll(prepared)
    }
  }

  /** Goes on with a run in its folder, from its own spec; a finished one is read back. */
  async resume(run: string, options: RunOptions = {}): Promise<RunRecord> {
    const folder = this.#find(run)
    const plain = readYaml(join(folder, 'spec.yaml'))
    if (hasInline(plain))
      throw new InputError({
        code: 'OCK-RUN-014',
        what: 'the spec has parts that were given as objects in code',
        where: folder,
        remedy: 'run the same code again with host.run(spec, { resume: folder })',
      })
    return this.run(fromPlain(plain), { ...options, resume: folder })
  }

  /** Composes and compiles, and says what a run would take, by child. */
  async plan(spec: PipelineSpec): Promise<Record<string, Plan>> {
    const prepared = await prepare(await this.#check(spec))
    try {
      const known = await preflight(prepared, this.#around)
      const plans: Record<string, Plan> = {}
      for (const { name, run } of prepared.map((p) => ({ name: p.name, run: p.earlier ?? p })))
        plans[name] = known(run) ?? (await planRun(run, this.#around))
      return plans
    } finally {
      await disposeAll(prepared)
    }
  }

  /** The same registry and folders on another engine. */
  on(engine: Engine): Host {
    return new Host(this.registry, engine, { out: this.#out ?? false })
  }

  /** What a run learnt, or a model of MLflow's (`models:/name@alias`, `models:/name/version`), ready to predict; needs no data. */
  async load(run: string): Promise<Loaded> {
    return loadPosterior(run.startsWith('models:/') ? await this.#fetch(run) : this.#find(run), (spec) => this.#check(spec))
  }

  /** Bounds a finished run from the message of its model, and writes `message.bin` into its folder. */
  certify(run: string): Promise<Certified> {
    return certifyRun(this.#find(run), this.#certifying)
  }

  /** Rebuilds the model of a `message.bin` from the spec (default: `spec.yaml` beside it) and compares risk and bounds with its claims. */
  decode(file: string, by: Decoded = {}): Promise<Certified> {
    return decodeMessage(file, by, this.#certifying)
  }

  async dispose(): Promise<void> {
    await this.engine.dispose()
  }

  /** A model of MLflow's registry, fetched once. */
  async #fetch(model: string): Promise<string> {
    const { fetchModel } = await import('../../plugins/services/mlflow/index.js')
    return fetchModel(model, join(this.#out ?? defaultOut, '.models'))
  }

  #find(run: string): string {
    return findFolder(run, this.#out ?? defaultOut)
  }

  #check(spec: PipelineSpec): Promise<readonly CheckedRun[]> {
    return check(spec, { registry: this.registry, container: this.#container, capabilities: this.engine.capabilities })
  }

  get #certifying() {
    return { engine: this.engine, check: (spec: PipelineSpec) => this.#check(spec) }
  }

  get #around() {
    return { engine: this.engine, load: async (run: string) => (await this.load(run)).posterior }
  }

  /** A new folder, once every run is known to be able to start. */
  async #fresh(spec: PipelineSpec, prepared: readonly Prepared[]): Promise<string | undefined> {
    await preflight(prepared, this.#around)
    return this.#out === undefined ? undefined : newFolder(this.#out, spec.name ?? '')
  }

  async #carryOut(spec: PipelineSpec, prepared: readonly Prepared[], folder: string | undefined, options: RunOptions): Promise<RunRecord> {
    const [first] = prepared
    if (prepared.length === 1 && first!.name === '') return this.#one(first!, folder, options)
    const plain = await toPlain(spec)
    if (folder !== undefined) await checkAgain(folder, plain, this.engine)
    if (folder !== undefined) writeDurably(join(folder, 'spec.yaml'), toYaml(plain))
    const id = folder === undefined ? (spec.name ?? 'run') : idOf(folder)
    const about = { id, spec: plain, folder, engine: this.engine, trackers: this.#trackers, label: spec.name ?? 'study' }
    return await asParent(about, async (emit) => {
      const runs: Record<string, RunRecord> = {}
      for (const run of prepared)
        runs[run.name] = await this.#one(run, folder === undefined ? undefined : childFolder(folder, run.name), options, id)
      const result = summary(id, plain, runs, this.engine)
      if (folder !== undefined) {
        const told = Object.entries(runs).map(([n, r]) => [n, { result: r.result, events: readHistory(childFolder(folder, n)) }] as const)
        await writeResult(folder, result, [], Object.fromEntries(told))
        writeDurably(join(folder, 'comparison.csv'), toCsv(result.tables['variants']!))
        for (const file of ['comparison.csv', 'report.html', 'result.json'])
          emit({ type: 'artifact', name: file.replace(/\..*/, ''), file })
      }
      return { id, result, runs, ...(folder === undefined ? {} : { folder }) }
    })
  }

  /** One run in its folder: an earlier stage first; what is finished is read back. */
  async #one(prepared: Prepared, folder: string | undefined, options: RunOptions, parent?: string): Promise<RunRecord> {
    const { composition, earlier } = prepared
    if (folder !== undefined) await checkAgain(folder, composition.plain, this.engine)
    const finished = folder === undefined ? undefined : readResult(folder)
    if (folder !== undefined && finished)
      return { id: idOf(folder), folder, result: finished, posterior: (await this.load(folder)).posterior }
    if (folder !== undefined && !existsSync(join(folder, 'spec.yaml'))) writeDurably(join(folder, 'spec.yaml'), toYaml(composition.plain))
    const before =
      earlier && (await this.#one(earlier, folder === undefined ? undefined : childFolder(folder, earlier.name), options, parent))
    const start = before ? before.posterior : await startOf(composition.initial, this.#around.load)
    const name = prepared.name || (composition.name ?? 'run')
    return attempt({
      id: folder === undefined ? name : idOf(folder),
      name,
      folder,
      ...(parent === undefined ? {} : { parent }),
      engine: this.engine,
      trackers: this.#trackers,
      composition,
      work: workOf(prepared, start),
      options,
    })
  }
}

const hasInline = (plain: Json): boolean =>
  typeof plain === 'object' && plain !== null && ('inline' in plain || Object.values(plain as Record<string, Json>).some(hasInline))

/** Starts an engine, reads the registry and creates the trackers. */
export async function createHost(options: HostOptions = {}): Promise<Host> {
  const registry = packageRegistry()
  const trackers = await createTrackers(registry, options.trackers ?? [])
  return new Host(registry, await startEngine(options.engine ?? defaultEngine, options), options, trackers)
}

/** What a run learnt, or a model of MLflow's registry, ready to predict. Disposing it ends its engine. */
export async function load(source: string, options: HostOptions = {}): Promise<Loaded & { dispose(): Promise<void> }> {
  const host = await createHost(options)
  try {
    return { ...(await host.load(source)), dispose: () => host.dispose() }
  } catch (error) {
    await host.dispose()
    throw error
  }
}

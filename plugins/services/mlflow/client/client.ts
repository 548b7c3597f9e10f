import { text } from 'node:stream/consumers'
import { Artifacts } from './artifacts.js'
import { connect, type ClientOptions } from './connection.js'
import { Experiments } from './experiments.js'
import { Models } from './models.js'
import { Registry } from './registry.js'
import { Runs } from './runs.js'
import { Transport } from './transport.js'

/** What tunes a client beside the way to its server. */
export interface Tuning {
  /** Entries a batch, 1000 at most: some servers take fewer. */
  readonly batchSize?: number
  /** Bytes above which a file goes up in parts, where the server offers that. */
  readonly partSize?: number
  /** Ends every request. */
  readonly signal?: AbortSignal
}

/**
 * A client of an MLflow tracking server: experiments, runs, artifacts, logged models and the model registry. What is not given comes
 * from MLflow's environment variables. Errors: {@link MlflowError} with MLflow's code, and `InputError` for what cannot be sent.
 *
 * ```ts
 * const client = new MlflowClient({ uri: 'http://127.0.0.1:5000' })
 * const { id } = await client.experiments.getOrCreate('glyphs')
 * const run = await client.runs.create({ experimentId: id, name: 'first' })
 * await client.runs.log(run.id, { params: { rate: '0.1' }, metrics: [{ key: 'loss', value: 1, step: 0, time: Date.now() }] })
 * await client.runs.update(run.id, { status: 'FINISHED', endTime: Date.now() })
 * ```
 */
export class MlflowClient {
  readonly experiments: Experiments
  readonly runs: Runs
  readonly artifacts: Artifacts
  readonly models: Models
  readonly registry: Registry
  readonly #http: Transport

  constructor(options: ClientOptions & Tuning = {}) {
    const http = (this.#http = new Transport(connect(options), options.signal))
    this.experiments = new Experiments(http)
    this.artifacts = new Artifacts(http, options.partSize)
    this.runs = new Runs(http, this.artifacts, options.batchSize)
    this.models = new Models(http)
    this.registry = new Registry(http)
  }

  /** The server's address, without credentials. */
  get uri(): string {
    return this.#http.connection.base
  }

  /** The server's version, as it says it. */
  async version(): Promise<string> {
    return (await text(await this.#http.request({ method: 'GET', path: '/version' }))).trim()
  }

  /** Closes kept connections. */
  close(): void {
    this.#http.close()
  }
}

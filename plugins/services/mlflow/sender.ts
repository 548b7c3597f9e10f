import { MlflowClient, MlflowError, type ClientOptions } from './client/index.js'
import { Delivery, type Way } from './delivery.js'

const longestPause = 30

/** Sends spools to a server, one after the other; while the server is away it waits longer and longer between tries. */
export class Sender {
  readonly #deliveries = new Map<string, Delivery>()
  #client: { readonly made: MlflowClient; readonly abort: AbortController } | undefined
  #progressed = performance.now()
  #failures = 0
  #notBefore = 0
  #gaveUp = false
  #turn: Promise<unknown> = Promise.resolve()
  /** Set where the server refuses who asks: no further try. */
  #refused: MlflowError | undefined

  constructor(
    readonly options: ClientOptions,
    readonly warn: (folder: string, code: string, message: string) => void,
  ) {}

  /** Why the last try failed; undefined after one that did not. */
  failed: Error | undefined

  delivery(folder: string): Delivery {
    let delivery = this.#deliveries.get(folder)
    if (!delivery) {
      const way: Way = {
        client: () => this.#connect(),
        of: (other) => this.delivery(other),
        warn: (code, message) => this.warn(folder, code, message),
        progress: () => void (this.#progressed = performance.now()),
      }
      this.#deliveries.set(folder, (delivery = new Delivery(folder, way)))
    }
    return delivery
  }

  /** What is known of a folder is read anew when it is sent again: another process may have gone on. */
  forget(folder: string): void {
    this.#deliveries.delete(folder)
  }

  #connect(): MlflowClient {
    if (!this.#client) {
      const abort = new AbortController()
      const made = new MlflowClient({ retries: 1, backoff: 0.2, timeout: 60, ...this.options, signal: abort.signal })
      this.#client = { made, abort }
    }
    return this.#client.made
  }

  /** One try to bring everything in these folders to the server; at most as often as its absence allows. Tries follow one another. */
  try(folders: Iterable<string>, now = false): Promise<boolean> {
    const turn = this.#turn.then(() => this.#try([...folders], now))
    this.#turn = turn
    return turn
  }

  async #try(folders: readonly string[], now: boolean): Promise<boolean> {
    if (this.#refused || (!now && performance.now() < this.#notBefore)) return false
    for (const folder of folders) {
      try {
        await this.delivery(folder).drain()
        this.#failures = 0
        this.#gaveUp = false
        this.failed = undefined
      } catch (error) {
        this.#failed(folder, error as Error)
        return false
      }
    }
    return true
  }

  #failed(folder: string, error: Error): void {
    const pause = Math.max((error as MlflowError).retryAfter ?? 0, Math.min(longestPause, 0.5 * 2 ** this.#failures))
    this.#notBefore = performance.now() + 1000 * pause
    this.#failures++
    if (!this.failed)
      this.warn(folder, 'OCK-MLFLOW-019', `MLflow cannot be written to, the run goes on and is kept in its folder: ${error.message}`)
    this.failed = error
    if (!(error instanceof MlflowError) || error.refused || !error.transient) this.#refused = error as MlflowError
  }

  /** Tries until all is there, or until nothing moves for `patience` seconds; after it gave up once, for a second. */
  async finish(folders: Iterable<string>, patience: number): Promise<boolean> {
    const wait = 1000 * (this.#gaveUp ? Math.min(1, patience) : patience)
    this.#progressed = performance.now()
    const left = (): number => wait - (performance.now() - this.#progressed)
    const watch = setInterval(() => {
      if (left() <= 0) this.#drop()
    }, 100)
    try {
      while (!(await this.try(folders, true))) {
        if (this.#refused || left() <= 0) {
          this.#gaveUp = true
          return false
        }
        const pause = Math.max(0, Math.min(left(), this.#notBefore - performance.now()))
        await new Promise((settle) => setTimeout(settle, pause))
      }
      return true
    } finally {
      clearInterval(watch)
    }
  }

  /** Gives up what is under way. */
  #drop(): void {
    this.#client?.abort.abort()
    this.#client?.made.close()
    this.#client = undefined
  }

  close(): void {
    this.#drop()
  }
}

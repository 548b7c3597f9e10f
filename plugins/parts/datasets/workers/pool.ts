import { Worker } from 'node:worker_threads'
import { InputError, RunError } from 'ockham'
import type { Answer, Asked, Task } from './messages.js'

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

const broken = (what: string): RunError =>
  new RunError({
    code: 'OCK-DATA-073',
    what: `a worker that reads images failed: ${what}`,
    where: 'option workers',
    remedy: 'set workers to 0 to read on the main thread, and report what failed',
  })

/** One thread and what was asked of it. It keeps the process alive only while an answer is owed. */
class Hand {
  readonly #worker = new Worker(new URL('./worker-entry.mjs', import.meta.url))
  readonly #waiting = new Map<number, Waiting>()
  #ticket = 0
  #ready = false
  #ended: Error | undefined

  constructor() {
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => this.#hear(answer))
    this.#worker.on('error', (error) => this.#end(broken(error.message)))
    this.#worker.on('exit', () => this.#end(broken('it ended')))
  }

  get load(): number {
    return this.#waiting.size
  }

  /** Whether it has started: until then an answer may take a second. */
  get ready(): boolean {
    return this.#ready && this.#ended === undefined
  }

  ask(task: Task): Promise<never> {
    if (this.#ended) return Promise.reject(this.#ended)
    const asked: Asked = { ticket: this.#ticket++, task }
    if (this.#waiting.size === 0) this.#worker.ref()
    const answer = new Promise<never>((resolve, reject) => this.#waiting.set(asked.ticket, { resolve, reject }))
    this.#worker.postMessage(asked)
    return answer
  }

  #hear(answer: Answer): void {
    if ('ready' in answer) return void (this.#ready = true)
    const asked = this.#waiting.get(answer.ticket)
    this.#waiting.delete(answer.ticket)
    if (this.#waiting.size === 0) this.#worker.unref()
    if ('result' in answer) asked?.resolve(answer.result as never)
    else asked?.reject('faults' in answer ? new InputError(answer.faults) : broken(answer.failed))
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#ended)
    this.#waiting.clear()
  }

  async end(): Promise<void> {
    this.#end(broken('it was ended'))
    await this.#worker.terminate()
  }
}

/** Threads that everybody who leases them shares. They start when something is asked, and end with the last lease. */
class Pool {
  #hands: Hand[] = []
  readonly #leases = new Set<object>()

  lease(size: number): Lease {
    const lease: Lease = {
      ask: (task) => this.#least(size).ask(task),
      start: () => this.#start(size),
      release: async () => {
        if (this.#leases.delete(lease) && this.#leases.size === 0) await this.#end()
      },
    }
    this.#leases.add(lease)
    return lease
  }

  get running(): number {
    return this.#hands.length
  }

  /** Starts what is missing of `size` threads; whether one has started. */
  #start(size: number): boolean {
    while (this.#hands.length < size) this.#hands.push(new Hand())
    return this.#hands.slice(0, size).some((hand) => hand.ready)
  }

  /** Whoever has the least to do among the first `size` threads, of equals one that has started. */
  #least(size: number): Hand {
    this.#start(size)
    const cost = (hand: Hand): number => hand.load + (hand.ready ? 0 : 0.5)
    return this.#hands.slice(0, size).reduce((best, hand) => (cost(hand) < cost(best) ? hand : best))
  }

  async #end(): Promise<void> {
    const hands = this.#hands
    this.#hands = []
    await Promise.all(hands.map((hand) => hand.end()))
  }
}

export interface Lease {
  /** Asks the thread with the least to do. */
  ask<T>(task: Task): Promise<T>
  /** Starts the threads; whether one is ready, so that asking it costs no start. */
  start(): boolean
  release(): Promise<void>
}

const pool = new Pool()

/** Up to `size` threads, started when they are needed. */
export const lease = (size: number): Lease => pool.lease(size)

/** Threads that run now, of all leases. */
export const running = (): number => pool.running

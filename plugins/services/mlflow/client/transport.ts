import { Agent as HttpAgent, request as http, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as https } from 'node:https'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.js'
import { answered, MlflowError, unreachable } from './errors.js'

/** What is sent: bytes, or a stream that can be opened again for a repetition. */
export interface Payload {
  readonly type: string
  readonly size: number
  readonly bytes: Uint8Array | (() => Readable)
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the server's address, or an address of its own: credentials go to the server's origin alone. */
  readonly path: string
  readonly payload?: Payload
  readonly headers?: Readonly<Record<string, string>>
  /** Not repeated where the server may have carried it out already. */
  readonly once?: boolean
}

type Field = string | number | boolean | undefined | null | readonly Field[] | { readonly [name: string]: Field }
export type Fields = Readonly<Record<string, Field>>

const longestPause = 30

const queryOf = (fields: Fields): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    for (const item of Array.isArray(value) ? (value as Field[]) : [value])
      if (item !== undefined) query.append(name, typeof item === 'object' ? JSON.stringify(item) : String(item))
  const written = query.toString()
  return written === '' ? '' : `?${written}`
}

/** Requests to one server: kept connections, time-outs, repetition with growing pauses, errors by MLflow's codes. */
export class Transport {
  readonly #agents: { readonly 'http:': HttpAgent; readonly 'https:': HttpsAgent }
  readonly #origin: string

  constructor(
    readonly connection: Connection,
    /** Ends every request, and every pause between two. */
    readonly signal?: AbortSignal,
  ) {
    const kept = { keepAlive: true, maxSockets: 8 }
    this.#agents = { 'http:': new HttpAgent(kept), 'https:': new HttpsAgent({ ...kept, ...connection.tls }) }
    this.#origin = new URL(connection.base).origin
  }

  close(): void {
    for (const agent of Object.values(this.#agents) as HttpAgent[]) agent.destroy()
  }

  /** A call of the REST API; fields are a GET's query, else the JSON body, in the order in which they are given. */
  async call<T>(method: Call['method'], path: string, fields: Fields = {}, options: Pick<Call, 'once'> = {}): Promise<T> {
    const full = `/api/2.0/mlflow/${path}`
    const body = Buffer.from(JSON.stringify(fields))
    const reply = await this.request(
      method === 'GET'
        ? { method, path: full + queryOf(fields) }
        : { method, path: full, payload: { type: 'application/json', size: body.length, bytes: body }, ...options },
    )
    const said = await text(reply)
    try {
      return (said === '' ? {} : JSON.parse(said)) as T
    } catch {
      throw answered(404, said, `${method} ${path}`, this.connection.base)
    }
  }

  /** Sends until it is answered with success, or will not be. The body of the answer is the caller's to read. */
  async request(call: Call): Promise<IncomingMessage> {
    for (let failed = 0; ; failed++) {
      try {
        return await this.#once(call)
      } catch (error) {
        if (!(error instanceof MlflowError) || !error.transient || failed >= this.connection.retries || this.signal?.aborted) throw error
        if (call.once && !certainlyNotDone(error)) throw error
        const pause = Math.min(longestPause, this.connection.backoff * 2 ** failed) * (0.5 + Math.random() / 2)
        await sleep(1000 * Math.max(pause, error.retryAfter ?? 0), undefined, this.signal ? { signal: this.signal } : {}).catch(() => {
          throw error
        })
      }
    }
  }

  async #once(call: Call): Promise<IncomingMessage> {
    const { base, authorization, timeout, headers } = this.connection
    const where = `${call.method} ${call.path.replace(/\?.*$/, '')}`
    const url = new URL(call.path.startsWith('/') ? base : call.path)
    // Written out by hand where it is ours: URL would take `..`, even encoded, as a step up.
    const path = call.path.startsWith('/') ? url.pathname.replace(/\/$/, '') + call.path : url.pathname + url.search
    const own = url.origin === this.#origin
    const options: RequestOptions = {
      method: call.method,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path,
      agent: this.#agents[url.protocol as 'http:'],
      timeout: timeout * 1000,
      ...(this.signal ? { signal: this.signal } : {}),
      headers: {
        ...(own && authorization ? { authorization } : {}),
        ...(own ? await headers() : {}),
        ...(call.payload ? { 'content-type': call.payload.type, 'content-length': call.payload.size } : {}),
        ...call.headers,
      },
    }
    const reply = await new Promise<IncomingMessage>((settle, fail) => {
      const sent = (url.protocol === 'https:' ? https : http)(options, settle)
      sent.on('error', (cause) => fail(unreachable(cause, where, base)))
      sent.on('timeout', () => sent.destroy(new Error(`nothing for ${timeout} s`)))
      const { bytes } = call.payload ?? {}
      if (typeof bytes !== 'function') return void sent.end(bytes)
      const stream = bytes()
      stream.on('error', (cause) => sent.destroy(cause))
      stream.pipe(sent)
    })
    const status = reply.statusCode ?? 0
    if (status >= 200 && status < 300) return reply
    const said = await text(reply).catch(() => '')
    throw answered(status, said, where, base, reply.headers['retry-after'])
  }
}

/** Nothing was listening, or the server said that it did not even try. */
const certainlyNotDone = (error: MlflowError): boolean =>
  error.status === 429 || (error.status === 0 && (error.cause as { code?: string } | undefined)?.code === 'ECONNREFUSED')

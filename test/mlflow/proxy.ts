import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What stands between a client and a server, and what it does to requests. */
export interface Trouble {
  /** Milliseconds before the request is handed on. */
  delay?: number
  /** The Host header that the server sees. */
  host?: string
  /** Answers instead of the server while it gives something. */
  answer?: (call: string) => { status: number; headers?: Record<string, string>; body?: string } | undefined
  /** The server carries the request out, and its answer is lost. */
  lose?: (call: string) => boolean
}

export interface Proxy {
  readonly uri: string
  readonly trouble: Trouble
  /** `METHOD path` of each request. */
  readonly calls: readonly string[]
  close(): void
}

/** A proxy on loopback in front of `target`; with TLS where key and certificate are given. */
export async function proxy(target: string, trouble: Trouble = {}, tls?: { key: Buffer; cert: Buffer }): Promise<Proxy> {
  const calls: string[] = []
  const to = new URL(target)
  const pass = async (from: IncomingMessage, back: ServerResponse): Promise<void> => {
    const call = `${from.method} ${from.url}`
    calls.push(call)
    const answer = trouble.answer?.(call)
    if (answer) {
      from.resume()
      back.writeHead(answer.status, answer.headers).end(answer.body ?? '')
      return
    }
    if (trouble.delay) await sleep(trouble.delay)
    const headers = { ...from.headers, host: trouble.host ?? to.host }
    const lose = trouble.lose?.(call) ?? false
    const onward = request({ hostname: to.hostname, port: to.port, method: from.method, path: from.url, headers }, (reply) => {
      if (lose) {
        reply.resume().on('end', () => back.destroy())
        return
      }
      back.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(back)
    })
    onward.on('error', () => back.destroy())
    from.pipe(onward)
  }
  const listener = (from: IncomingMessage, back: ServerResponse) => void pass(from, back)
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener)
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { uri: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, trouble, calls, close }
}

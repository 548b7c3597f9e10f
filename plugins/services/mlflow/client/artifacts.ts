import { createReadStream, createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { InputError } from 'ockham'
import { MlflowError } from './errors.js'
import type { Payload, Transport } from './transport.js'
import type { FileInfo } from './types.js'

const types: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.html': 'text/html',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.csv': 'text/csv',
  '.md': 'text/markdown',
  '.txt': 'text/plain',
  '.yaml': 'text/yaml',
}
const typeOf = (path: string): string => types[extname(path)] ?? 'application/octet-stream'

/** Refuses paths that lead out of the run, and names that servers refuse or break on. */
function segments(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  const bad = parts.find(
    (part) => part === '.' || part === '..' || part.includes('#') || part.includes('\\') || Buffer.byteLength(part) > 250,
  )
  if (bad === undefined) return parts
  throw new InputError({
    code: 'OCK-MLFLOW-014',
    what: `'${bad.slice(0, 80)}' cannot be in an artifact's path`,
    where: path.slice(0, 200),
    remedy: 'rename it',
  })
}

const encoded = (...paths: readonly string[]): string => paths.flatMap(segments).map(encodeURIComponent).join('/')

/** Above this many bytes a file goes up in parts, where the server's store offers it. */
const partBytes = 64 * 2 ** 20

interface Multipart {
  readonly upload_id: string
  readonly credentials: readonly {
    readonly url: string
    readonly part_number: number
    readonly headers?: Readonly<Record<string, string>>
  }[]
}

/** Files of runs and models, through the server's proxy. `root` is a run's or a model's `artifactUri`. */
export class Artifacts {
  constructor(
    readonly http: Transport,
    readonly partSize: number = partBytes,
  ) {}

  /** The path below the proxy, and the host where it is another than the server's. */
  #place(root: string): { host: string; path: string } {
    const url = URL.canParse(root) ? new URL(root) : undefined
    if (url?.protocol === 'mlflow-artifacts:')
      return {
        host: url.host === '' ? '' : `${new URL(this.http.connection.base).protocol}//${url.host}`,
        path: decodeURIComponent(url.pathname),
      }
    throw new InputError({
      code: 'OCK-MLFLOW-013',
      what: `artifacts are kept at ${root}, which is not served through the tracking server`,
      remedy: 'start it with --serve-artifacts and --artifacts-destination, and use a new experiment',
    })
  }

  #address(root: string, path: string, service = 'artifacts'): string {
    const place = this.#place(root)
    return `${place.host}/api/2.0/mlflow-artifacts/${service}/${encoded(place.path, path)}`
  }

  /** Streams a file. Idempotent. */
  async upload(root: string, path: string, file: string): Promise<void> {
    const { size } = statSync(file)
    if (size > this.partSize && (await this.#inParts(root, path, file, size))) return
    await this.#put(this.#address(root, path), { type: typeOf(path), size, bytes: () => createReadStream(file) })
  }

  async uploadText(root: string, path: string, text: string): Promise<void> {
    const bytes = Buffer.from(text)
    await this.#put(this.#address(root, path), { type: typeOf(path), size: bytes.length, bytes })
  }

  async #put(path: string, payload: Payload, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const reply = await this.http.request({ method: 'PUT', path, payload, headers })
    reply.resume()
    return reply.headers.etag ?? ''
  }

  /** False where the server's store has no parts. */
  async #inParts(root: string, path: string, file: string, size: number): Promise<boolean> {
    const parts = Math.ceil(size / this.partSize)
    const fields = { path: basename(path), num_parts: parts }
    const folder = dirname(path) === '.' ? '' : dirname(path)
    const post = async <T>(step: string, body: object): Promise<T> => {
      const bytes = Buffer.from(JSON.stringify(body))
      const at = this.#address(root, folder, `mpu/${step}`)
      const reply = await this.http.request({ method: 'POST', path: at, payload: { type: 'application/json', size: bytes.length, bytes } })
      return (await json(reply)) as T
    }
    let begun: Multipart
    try {
      begun = await post<Multipart>('create', fields)
    } catch (error) {
      if (error instanceof MlflowError && [404, 405, 501].includes(error.status)) return false
      throw error
    }
    try {
      const done = []
      for (const { url, part_number, headers } of begun.credentials) {
        const start = (part_number - 1) * this.partSize
        const end = Math.min(size, start + this.partSize) - 1
        const bytes = () => createReadStream(file, { start, end })
        const etag = await this.#put(url, { type: 'application/octet-stream', size: end - start + 1, bytes }, headers)
        done.push({ part_number, etag, url })
      }
      await post('complete', { path: fields.path, upload_id: begun.upload_id, parts: done })
      return true
    } catch (error) {
      await post('abort', { path: fields.path, upload_id: begun.upload_id }).catch(() => undefined)
      throw error
    }
  }

  /** Files and folders of one folder. */
  async list(root: string, path = ''): Promise<FileInfo[]> {
    const { host, path: below } = this.#place(root)
    const query = new URLSearchParams({ path: [...segments(below), ...segments(path)].join('/') })
    const reply = await this.http.request({ method: 'GET', path: `${host}/api/2.0/mlflow-artifacts/artifacts?${query}` })
    const { files = [] } = (await json(reply)) as { files?: readonly { path: string; is_dir?: boolean; file_size?: number | string }[] }
    return files.map((f) => ({ path: f.path, folder: f.is_dir ?? false, size: Number(f.file_size ?? 0) }))
  }

  /** Every file below a folder, with its path from the root. */
  async *walk(root: string, path = ''): AsyncGenerator<FileInfo> {
    for (const entry of await this.list(root, path)) {
      const full = path === '' ? entry.path : `${path}/${entry.path}`
      if (entry.folder) yield* this.walk(root, full)
      else yield { ...entry, path: full }
    }
  }

  async readText(root: string, path: string): Promise<string> {
    const reply = await this.http.request({ method: 'GET', path: this.#address(root, path) })
    const chunks: Buffer[] = []
    for await (const chunk of reply) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('utf8')
  }

  /** Streams a file, or every file below a folder, into a local folder; gives the paths of the files there. */
  async download(root: string, path: string, folder: string): Promise<string[]> {
    const files: string[] = []
    for await (const entry of this.walk(root, path)) files.push(entry.path)
    const from = files.length === 0 && path !== '' ? [path] : files
    for (const file of from) {
      const target = join(folder, ...segments(file))
      mkdirSync(dirname(target), { recursive: true })
      const reply = await this.http.request({ method: 'GET', path: this.#address(root, file) })
      await pipeline(reply, createWriteStream(`${target}.part`))
      renameSync(`${target}.part`, target)
    }
    return from.map((file) => join(folder, ...segments(file)))
  }

  async delete(root: string, path: string): Promise<void> {
    ;(await this.http.request({ method: 'DELETE', path: this.#address(root, path) })).resume()
  }
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A Python that has MLflow, and why there is none. */
export const python = process.env['MLFLOW_PYTHON'] ?? 'python3'
const has = (module: string): boolean => spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0
const installed = spawnSync(python, ['-c', 'import importlib.util, sys; sys.exit(importlib.util.find_spec("mlflow") is None)']).status === 0

export const missing = installed ? undefined : `skipped: ${python} has no MLflow; pip install mlflow, or set MLFLOW_PYTHON`
// Tests that are skipped say why; a row of the benchmark has it as its reason.
if (missing && process.env['VITEST']) process.stderr.write(`${missing}\n`)

/** Whether the server can ask for passwords. */
export const hasAuth = (): boolean => installed && has('flask_wtf')

export const temporary = (): string => mkdtempSync(join(tmpdir(), 'ockham-mlflow-'))

export const freePort = (): Promise<number> =>
  new Promise((settle, fail) => {
    const probe = createServer()
    probe.on('error', fail).listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => {
        settle(port)
      })
    })
  })

/** An MLflow server over SQLite on loopback, that can be killed and started again over the same data. */
export class Server {
  #child: ChildProcess | undefined

  private constructor(
    readonly port: number,
    readonly folder: string,
    readonly extra: { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv },
  ) {}

  static async start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Server> {
    const server = new Server(await freePort(), temporary(), { args, env })
    await server.start()
    return server
  }

  get uri(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const options = ['--host', '127.0.0.1', '--port', String(this.port), '--workers', '1']
    const stores = ['--backend-store-uri', `sqlite:///${this.folder}/mlflow.db`, '--artifacts-destination', join(this.folder, 'artifacts')]
    const quiet = { MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true', MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' }
    let said = ''
    const child = spawn(python, ['-m', 'mlflow', 'server', ...options, ...stores, ...this.extra.args], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...quiet, ...this.extra.env },
    })
    child.stderr.on('data', (text: Buffer) => void (said = (said + text.toString()).slice(-4000)))
    this.#child = child
    const end = Date.now() + 100_000
    while (Date.now() < end) {
      await sleep(100)
      if (child.exitCode !== null) break
      if (
        await fetch(`${this.uri}/health`).then(
          (r) => r.ok,
          () => false,
        )
      )
        return
    }
    throw new Error(`mlflow server did not start:\n${said}`)
  }

  /** Ends the server and its workers at once. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null) return
    const gone = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await gone
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What a Python script with MLflow prints, as JSON. */
export function readBack<T>(uri: string, script: string, ...args: readonly string[]): T {
  const env = { ...process.env, MLFLOW_TRACKING_URI: uri, MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' }
  const { stdout, stderr, status } = spawnSync(python, ['-c', script, ...args], { encoding: 'utf8', env })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T
}

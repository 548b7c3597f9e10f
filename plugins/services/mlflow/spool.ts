import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { writeDurably } from '../journal/index.js'
import type { Record as Line } from './record.js'

/** What is known of a spool's delivery. */
export interface Delivered {
  /** Server that it went to. */
  readonly uri: string
  /** Bytes of the spool that the server has. */
  position: number
  experimentId?: string
  /** MLflow runs made, by `at`. */
  readonly runs: { [at: string]: { readonly id: string; readonly root: string } }
  /** Logged models made, by key. */
  readonly models: { [key: string]: string }
  /** Lines, or parts of them, that the server refused for good. */
  refused: number
}

const chunk = 1 << 18

/** What a run says to MLflow, kept on disk before it is sent: `mlflow.jsonl` in the run's folder, and how far the server has it in `mlflow.json`. */
export class Spool {
  readonly file: string
  readonly #state: string
  readonly #lock: string

  constructor(readonly folder: string) {
    this.file = join(folder, 'mlflow.jsonl')
    this.#state = join(folder, 'mlflow.json')
    this.#lock = join(folder, 'mlflow.lock')
  }

  get exists(): boolean {
    return existsSync(this.file)
  }

  get size(): number {
    return this.exists ? statSync(this.file).size : 0
  }

  /** Cuts a line that a kill tore, and gives all that are there. */
  repair(): Line[] {
    if (!this.exists) {
      mkdirSync(this.folder, { recursive: true })
      return []
    }
    const bytes = readFileSync(this.file)
    const end = bytes.lastIndexOf(10) + 1
    if (end < bytes.length) truncateSync(this.file, end)
    return linesOf(bytes.subarray(0, end))
  }

  append(lines: readonly Line[]): void {
    if (lines.length > 0) appendFileSync(this.file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }

  /** Whole lines from a position on, about a quarter of a megabyte or one line, and where they end. */
  read(position: number): { lines: Line[]; end: number } {
    if (!this.exists) return { lines: [], end: position }
    const descriptor = openSync(this.file, 'r')
    try {
      const left = fstatSync(descriptor).size - position
      for (let length = Math.min(left, chunk); length > 0; length = Math.min(left, length * 4)) {
        const bytes = Buffer.alloc(length)
        const whole = bytes.subarray(0, readSync(descriptor, bytes, 0, length, position)).lastIndexOf(10) + 1
        if (whole > 0) return { lines: linesOf(bytes.subarray(0, whole)), end: position + whole }
        if (length === left) break
      }
      return { lines: [], end: position }
    } finally {
      closeSync(descriptor)
    }
  }

  /** How far a server has it; from the start for a server that it never went to. */
  delivered(uri: string): Delivered {
    if (existsSync(this.#state)) {
      const state = JSON.parse(readFileSync(this.#state, 'utf8')) as Delivered
      if (state.uri === uri) return state
    }
    return { uri, position: 0, runs: {}, models: {}, refused: 0 }
  }

  /** Server that it went to last. */
  get uri(): string | undefined {
    return existsSync(this.#state) ? (JSON.parse(readFileSync(this.#state, 'utf8')) as Delivered).uri : undefined
  }

  mark(state: Delivered): void {
    writeDurably(this.#state, `${JSON.stringify(state)}\n`)
  }

  /** The process that writes or sends it now, where it is another one and alive. */
  get heldBy(): number | undefined {
    const pid = existsSync(this.#lock) ? Number(readFileSync(this.#lock, 'utf8')) : process.pid
    return pid !== process.pid && alive(pid) ? pid : undefined
  }

  hold(): void {
    mkdirSync(this.folder, { recursive: true })
    writeFileSync(this.#lock, String(process.pid))
  }

  release(): void {
    rmSync(this.#lock, { force: true })
  }

  /** Keeps what a server refused for good, with its reason. */
  refuse(what: unknown, reason: string): void {
    appendFileSync(join(this.folder, 'mlflow.refused.jsonl'), `${JSON.stringify({ reason, what })}\n`)
  }
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

const linesOf = (bytes: Buffer): Line[] =>
  bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)

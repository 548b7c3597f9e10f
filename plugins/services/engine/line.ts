import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from './bundle.js'
import { kitFile } from './kit.js'

const ours = [dirname(fileURLToPath(import.meta.url)), join(packageRoot(), 'core')].map((folder) => folder + sep)

/** Frames of the engine, of core and of tfjs; their tests stand for users. */
const inside = (file: string): boolean =>
  file === kitFile || file.startsWith('node:') || (ours.some((f) => file.startsWith(f)) && !/\.test\.ts$|test-cases/.test(file))

interface Frame {
  readonly name: string
  readonly file: string
  readonly line: string
}

function parse(text: string): Frame | undefined {
  const found = /^\s*at (?:(.*?) \()?(?:async )?((?:file:\/\/|node:)?[^()\s]+?):(\d+):\d+\)?$/.exec(text)
  if (!found) return undefined
  const file = found[2]!.startsWith('file://') ? fileURLToPath(found[2]!) : found[2]!
  return { name: found[1] ?? '', file, line: found[3]! }
}

/** `Object.dropout__op`, `Tensor.dataSync` → the name by which a user calls it. */
const spoken = (name: string): string =>
  name
    .replace(/^.*\./, '')
    .replace(/ \[as .*$/, '')
    .replace(/__op$|_?\d*$/, '')

/** A place in the user's code. The stack is taken when it is made, and read only when somebody asks. */
export class Mark {
  readonly #holder: { stack?: string } = {}
  #read?: { readonly line?: string; readonly call?: string }

  constructor() {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 60
    Error.captureStackTrace(this.#holder, Mark)
    Error.stackTraceLimit = limit
  }

  /** `file:line` of the nearest frame of the user's. */
  get line(): string | undefined {
    return this.#frames().line
  }

  /** What that frame called: `matMul`, `dataSync`. */
  get call(): string | undefined {
    return this.#frames().call
  }

  #frames(): { readonly line?: string; readonly call?: string } {
    if (this.#read) return this.#read
    const frames = (this.#holder.stack ?? '').split('\n').flatMap((text) => parse(text) ?? [])
    const first = frames.findIndex((f) => !inside(f.file))
    const user = frames[first]
    const called = frames.slice(0, Math.max(first, 0)).findLast((f) => f.file === kitFile && spoken(f.name))
    this.#read = {
      ...(user && { line: `${relative(process.cwd(), user.file)}:${user.line}` }),
      ...(called && { call: spoken(called.name) }),
    }
    return this.#read
  }
}

import type { RunStatus } from './client/index.js'
import type { Point, Record as Line } from './record.js'
import type { Spool } from './spool.js'

/** Points a line of the spool holds at most. */
const pointsPerLine = 500

/** What a spool holds already, so that nothing is written to it twice. */
export class Ledger {
  /** Last step of each metric, by run and key. */
  readonly #last = new Map<string, number>()
  readonly #once = new Set<string>()
  /** Status of each run, by `at`. */
  readonly #runs = new Map<string, RunStatus>()
  #key = ''

  constructor(readonly spool: Spool) {
    for (const line of spool.repair()) this.#remember(line)
  }

  /** What tells the run from every other. */
  get key(): string {
    return this.#key
  }

  /** Nested runs and the run itself, the innermost first. */
  get runs(): readonly string[] {
    return [...this.#runs.keys()].reverse()
  }

  /** Undefined where the run was not begun. */
  status(at: string): RunStatus | undefined {
    return this.#runs.get(at)
  }

  /** The step after the last of a metric. */
  next(at: string, key: string): number {
    return (this.#last.get(`${at} ${key}`) ?? -1) + 1
  }

  /** Writes lines, except those that are said once and were. */
  write(...lines: readonly Line[]): void {
    const fresh = lines.filter((line) => line.once === undefined || !this.#once.has(`${line.at} ${line.once}`))
    for (const line of fresh) this.#remember(line)
    this.spool.append(fresh)
  }

  /** Writes points whose step is not behind what there is: a resumed run repeats some. */
  points(at: string, points: readonly Point[]): void {
    const fresh = points.filter(([key, , , step]) => step >= this.next(at, key))
    for (let i = 0; i < fresh.length; i += pointsPerLine) this.write({ at, kind: 'metrics', points: fresh.slice(i, i + pointsPerLine) })
  }

  #remember(line: Line): void {
    if (line.once !== undefined) this.#once.add(`${line.at} ${line.once}`)
    if (line.kind === 'run' || line.kind === 'resumed') this.#runs.set(line.at, 'RUNNING')
    if (line.kind === 'run' && line.at === '') this.#key = line.key
    if (line.kind === 'end') this.#runs.set(line.at, line.status)
    if (line.kind === 'metrics') for (const [key, , , step] of line.points) this.#last.set(`${line.at} ${key}`, step)
  }
}

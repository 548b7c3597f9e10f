/** One thing that is wrong: what, where, and how to mend it. */
export interface Fault {
  /** Stable, `OCK-AREA-NNN`. */
  readonly code: string
  /** What is wrong, with the offending value. */
  readonly what: string
  /** Path in the spec, file and row, step, or source line. */
  readonly where?: string
  /** What to do. */
  readonly remedy?: string
}

const line = (p: Fault): string => `${p.code}${p.where ? ` at ${p.where}` : ''}: ${p.what}${p.remedy ? ` → ${p.remedy}` : ''}`

/** The base of every error that Ockham raises on purpose. Carries one problem or all of them at once. */
export class OckhamError extends Error {
  override readonly name: string = 'OckhamError'
  readonly problems: readonly Fault[]

  constructor(problems: Fault | readonly Fault[], options?: { cause?: unknown }) {
    const all = Array.isArray(problems) ? (problems as readonly Fault[]) : [problems as Fault]
    super(all.length === 1 ? line(all[0]!) : `${all.length} problems:\n${all.map((p) => `  ${line(p)}`).join('\n')}`, options)
    this.problems = all
  }

  /** Code of the first problem. */
  get code(): string {
    return this.problems[0]?.code ?? 'OCK-CORE-000'
  }
}

/** Bad input: found before anything starts. The command line exits 2. */
export class InputError extends OckhamError {
  override readonly name = 'InputError'
}

/** Something went wrong in a run that had started. Exit 1. */
export class RunError extends OckhamError {
  override readonly name = 'RunError'
}

/** A run that was interrupted and closed with a checkpoint. Exit 130. */
export class Interrupted extends OckhamError {
  override readonly name = 'Interrupted'
}

/** Collects problems so that all are reported in one error. */
export class Problems {
  readonly #found: Fault[] = []

  add(problem: Fault): void {
    this.#found.push(problem)
  }

  /** Runs `work` and keeps the problems of the InputError it may throw. */
  async during<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      this.#found.push(...error.problems)
      return undefined
    }
  }

  get found(): readonly Fault[] {
    return this.#found
  }

  /** Throws one InputError with everything found, or returns. */
  check(): void {
    if (this.#found.length > 0) throw new InputError(this.#found)
  }
}

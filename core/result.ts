import type { Certificate, Json, Report } from './contracts/index.js'

/** What a run leaves in `result.json`. */
export interface Result {
  /** Identity of the run; a child's is `<parent>/children/<name>`. */
  readonly run: string
  readonly spec: Json
  /** `<split>/<metric>` → number. */
  readonly values: Readonly<Record<string, number>>
  readonly tables: NonNullable<Report['tables']>
  /** Vega-Lite specifications with their data inside. */
  readonly figures: NonNullable<Report['figures']>
  readonly certificates: readonly Certificate[]
  /** Seconds a stage. */
  readonly timings: Readonly<Record<string, number>>
  readonly versions: Readonly<Record<string, string>>
  readonly engine: { readonly name: string; readonly build: Readonly<Record<string, string | number>> }
  readonly variants?: Readonly<Record<string, Pick<Result, 'run' | 'values' | 'certificates'>>>
}

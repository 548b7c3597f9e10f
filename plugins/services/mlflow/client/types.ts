/** Status of a run; a misspelt one would be ignored by the server without a word, hence the closed union. */
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'
export type View = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL'

/** A point of a metric. `time` in milliseconds since 1970, fixed when it was recorded: then a repetition adds nothing. */
export interface Metric {
  readonly key: string
  readonly value: number
  readonly time: number
  readonly step: number
  /** Logged model that the value belongs to. */
  readonly model?: string
}

export type Strings = Readonly<Record<string, string>>
/** What is logged as text. */
export type Scalars = Readonly<Record<string, string | number | boolean>>

/** What a run has read. */
export interface DatasetInput {
  readonly name: string
  /** At most 36 characters are kept. */
  readonly digest: string
  readonly sourceType: string
  /** JSON. */
  readonly source: string
  /** JSON: MLflow's column or tensor schema. */
  readonly schema?: string
  /** JSON. */
  readonly profile?: string
  /** `training`, `validation`, …: kept as the tag `mlflow.data.context`. */
  readonly context?: string
}

export interface Experiment {
  readonly id: string
  readonly name: string
  readonly artifactLocation: string
  readonly deleted: boolean
  readonly tags: Strings
}

export interface MlflowRun {
  readonly id: string
  readonly name: string
  readonly experimentId: string
  readonly status: RunStatus
  readonly startTime: number
  readonly endTime?: number
  readonly artifactUri: string
  readonly deleted: boolean
  /** Last value of each. */
  readonly metrics: Readonly<Record<string, number>>
  readonly params: Strings
  readonly tags: Strings
  readonly inputs: readonly DatasetInput[]
}

export interface FileInfo {
  /** Below the folder that was listed. */
  readonly path: string
  readonly folder: boolean
  readonly size: number
}

/** A model that a run has left: MLflow 3's own notion, a folder of artifacts. */
export interface LoggedModel {
  readonly id: string
  readonly name: string
  readonly experimentId: string
  readonly artifactUri: string
  readonly status: string
  readonly runId?: string
  readonly params: Strings
  readonly tags: Strings
}

export interface ModelVersion {
  readonly name: string
  readonly version: string
  readonly source: string
  readonly status: string
  readonly runId?: string
  readonly modelId?: string
  readonly aliases: readonly string[]
}

/** `{ key, value }` pairs, as the server has them. */
export type Pair = Readonly<Record<'key' | 'value', string>>

export const toPairs = (scalars: Scalars): Pair[] => Object.entries(scalars).map(([key, value]) => ({ key, value: String(value) }))
export const fromPairs = (pairs: readonly Pair[] | undefined): Strings => Object.fromEntries((pairs ?? []).map((p) => [p.key, p.value]))

import { fromPairs, type DatasetInput, type Metric, type MlflowRun, type Pair, type RunStatus } from './types.js'

/** A point in an answer. */
export interface RawMetric {
  readonly key: string
  readonly value: number | string
  readonly timestamp: number | string
  readonly step?: number | string
}

/** A run in an answer. */
export interface RawRun {
  readonly info: {
    readonly run_id: string
    readonly run_name?: string
    readonly experiment_id: string
    readonly status: RunStatus
    readonly start_time: number | string
    readonly end_time?: number | string
    readonly artifact_uri: string
    readonly lifecycle_stage?: string
  }
  readonly data?: { readonly metrics?: readonly RawMetric[]; readonly params?: readonly Pair[]; readonly tags?: readonly Pair[] }
  readonly inputs?: { readonly dataset_inputs?: readonly { readonly dataset: RawDataset; readonly tags?: readonly Pair[] }[] }
}

interface RawDataset {
  readonly name: string
  readonly digest: string
  readonly source_type: string
  readonly source: string
  readonly schema?: string
  readonly profile?: string
}

/** A point as the server answers it: NaN comes as a string. */
export const metricOf = ({ key, value, timestamp, step }: RawMetric): Metric => ({
  key,
  value: Number(value),
  time: Number(timestamp),
  step: Number(step ?? 0),
})

const inputOf = ({ dataset, tags }: { readonly dataset: RawDataset; readonly tags?: readonly Pair[] }): DatasetInput => {
  const context = fromPairs(tags)['mlflow.data.context']
  return {
    name: dataset.name,
    digest: dataset.digest,
    sourceType: dataset.source_type,
    source: dataset.source,
    ...(dataset.schema ? { schema: dataset.schema } : {}),
    ...(dataset.profile ? { profile: dataset.profile } : {}),
    ...(context ? { context } : {}),
  }
}

/** A run as the server answers it; empty lists are absent there. */
export const runOf = ({ info, data, inputs }: RawRun): MlflowRun => ({
  id: info.run_id,
  name: info.run_name ?? '',
  experimentId: info.experiment_id,
  status: info.status,
  startTime: Number(info.start_time),
  ...(info.end_time ? { endTime: Number(info.end_time) } : {}),
  artifactUri: info.artifact_uri,
  deleted: info.lifecycle_stage === 'deleted',
  metrics: Object.fromEntries((data?.metrics ?? []).map((m) => [m.key, Number(m.value)])),
  params: fromPairs(data?.params),
  tags: fromPairs(data?.tags),
  inputs: (inputs?.dataset_inputs ?? []).map(inputOf),
})

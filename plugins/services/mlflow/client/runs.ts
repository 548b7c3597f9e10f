import type { Artifacts } from './artifacts.js'
import { batchesOf, caps, countOf, halves, longest, metricFields, whole, type Batch } from './batches.js'
import { MlflowError } from './errors.js'
import type { Transport } from './transport.js'
import { metricOf, runOf, type RawMetric, type RawRun } from './answers.js'
import { toPairs, type DatasetInput, type Metric, type MlflowRun, type RunStatus, type Scalars, type Strings, type View } from './types.js'

export interface NewRun {
  readonly experimentId: string
  readonly name?: string
  /** Milliseconds since 1970; now where it is not given. */
  readonly startTime?: number
  readonly tags?: Strings
  /** The run below which this one is nested. */
  readonly parent?: string
}

/** Which runs are looked for, in MLflow's own words. */
export interface Search {
  readonly filter?: string
  readonly view?: View
  readonly orderBy?: readonly string[]
  /** Runs a request. */
  readonly page?: number
}

/** Runs and what is logged to them. */
export class Runs {
  constructor(
    readonly http: Transport,
    readonly artifacts: Artifacts,
    /** Entries a batch. */
    readonly batchSize: number = caps.all,
  ) {}

  /** Not repeated where the answer was lost, since a second run would be made: search for a tag of your own first. */
  async create({ experimentId, name, startTime = Date.now(), tags = {}, parent }: NewRun): Promise<MlflowRun> {
    const fields = {
      ...(name === undefined ? {} : { run_name: name }),
      start_time: whole(startTime, 'a time'),
      tags: toPairs({ ...tags, ...(parent === undefined ? {} : { 'mlflow.parentRunId': parent }) }),
      experiment_id: experimentId,
    }
    return runOf((await this.http.call<{ run: RawRun }>('POST', 'runs/create', fields, { once: true })).run)
  }

  async get(id: string): Promise<MlflowRun> {
    return runOf((await this.http.call<{ run: RawRun }>('GET', 'runs/get', { run_id: id })).run)
  }

  async update(id: string, change: { readonly status?: RunStatus; readonly endTime?: number; readonly name?: string }): Promise<void> {
    await this.http.call('POST', 'runs/update', {
      ...(change.status ? { status: change.status } : {}),
      ...(change.endTime === undefined ? {} : { end_time: whole(change.endTime, 'a time') }),
      ...(change.name === undefined ? {} : { run_name: change.name }),
      run_id: id,
    })
  }

  async delete(id: string): Promise<void> {
    await this.http.call('POST', 'runs/delete', { run_id: id })
  }

  async restore(id: string): Promise<void> {
    await this.http.call('POST', 'runs/restore', { run_id: id })
  }

  /** Every run of experiments that a filter (MLflow's grammar: `AND` only) finds, a page at a time. */
  async *search(
    experimentIds: readonly string[],
    { filter = '', view = 'ACTIVE_ONLY', orderBy = [], page = 1000 }: Search = {},
  ): AsyncGenerator<MlflowRun> {
    let token: string | undefined
    do {
      const found = await this.http.call<{ runs?: readonly RawRun[]; next_page_token?: string }>('POST', 'runs/search', {
        ...(token ? { page_token: token } : {}),
        filter,
        run_view_type: view,
        max_results: page,
        order_by: orderBy,
        experiment_ids: experimentIds,
      })
      yield* (found.runs ?? []).map(runOf)
      token = found.next_page_token
    } while (token)
  }

  /** Logs metrics, params and tags, in as many requests as the caps need. Values that are too long become artifacts. */
  async log(
    id: string,
    { metrics = [], params = {}, tags = {} }: { readonly metrics?: readonly Metric[]; readonly params?: Scalars; readonly tags?: Scalars },
  ): Promise<void> {
    const short = { metrics, params: await this.#shorten(id, 'params', params), tags: await this.#shorten(id, 'tags', tags) }
    for (const batch of batchesOf(short, this.batchSize)) await this.#send(id, batch)
  }

  async #send(id: string, batch: Batch): Promise<void> {
    try {
      // The run comes last: at a field of the wrong type the server stops reading, and then it stores nothing instead of a part.
      await this.http.call('POST', 'runs/log-batch', {
        metrics: batch.metrics.map(metricFields),
        params: toPairs(batch.params),
        tags: toPairs(batch.tags),
        run_id: id,
      })
    } catch (error) {
      if (!(error instanceof MlflowError) || error.status !== 413 || countOf(batch) < 2) throw error
      for (const half of halves(batch)) await this.#send(id, half)
    }
  }

  /** Values longer than the server keeps become files, and say so. */
  async #shorten(id: string, kind: 'params' | 'tags', values: Scalars): Promise<Strings> {
    const most = kind === 'params' ? longest.param : longest.tag
    const kept: Record<string, string> = {}
    for (const [key, given] of Object.entries(values)) {
      const value = String(given)
      if (value.length > most) {
        const file = `${kind}/${key.replaceAll(/[^\w.-]/g, '_')}.txt`
        await this.artifacts.uploadText((await this.get(id)).artifactUri, file, value)
        kept[key] = `see the artifact ${file} (${value.length} characters)`
      } else kept[key] = value
    }
    return kept
  }

  async deleteTag(id: string, key: string): Promise<void> {
    await this.http.call('POST', 'runs/delete-tag', { key, run_id: id })
  }

  async logInputs(id: string, inputs: readonly DatasetInput[]): Promise<void> {
    for (let at = 0; at < inputs.length; at += caps.all)
      await this.http.call('POST', 'runs/log-inputs', {
        datasets: inputs.slice(at, at + caps.all).map(({ context, digest, sourceType, ...dataset }) => ({
          tags: context === undefined ? [] : [{ key: 'mlflow.data.context', value: context }],
          dataset: { ...dataset, digest: digest.slice(0, 36), source_type: sourceType },
        })),
        run_id: id,
      })
  }

  /** Says which logged models a run has made. */
  async logOutputs(id: string, models: readonly { readonly id: string; readonly step: number }[]): Promise<void> {
    await this.http.call('POST', 'runs/outputs', {
      models: models.map((m) => ({ model_id: m.id, step: whole(m.step, 'a step') })),
      run_id: id,
    })
  }

  /** Every point of a metric, by step and then by time. */
  async history(id: string, key: string, page = 25_000): Promise<Metric[]> {
    const points: Metric[] = []
    let token: string | undefined
    do {
      const found = await this.http.call<{ metrics?: readonly RawMetric[]; next_page_token?: string }>('GET', 'metrics/get-history', {
        ...{ run_id: id, metric_key: key, max_results: page },
        ...(token ? { page_token: token } : {}),
      })
      points.push(...(found.metrics ?? []).map(metricOf))
      token = found.next_page_token
    } while (token)
    return points.sort((a, b) => a.step - b.step || a.time - b.time)
  }
}

import type { Transport } from './transport.js'
import { fromPairs, toPairs, type LoggedModel, type Pair, type Strings } from './types.js'

interface Raw {
  readonly info: {
    readonly model_id: string
    readonly name: string
    readonly experiment_id: string
    readonly artifact_uri: string
    readonly status: string
    readonly source_run_id?: string
    readonly tags?: readonly Pair[]
  }
  readonly data?: { readonly params?: readonly Pair[] }
}

const modelOf = ({ info, data }: Raw): LoggedModel => ({
  id: info.model_id,
  name: info.name,
  experimentId: info.experiment_id,
  artifactUri: info.artifact_uri,
  status: info.status,
  ...(info.source_run_id ? { runId: info.source_run_id } : {}),
  params: fromPairs(data?.params),
  tags: fromPairs(info.tags),
})

export interface NewModel {
  readonly experimentId: string
  readonly name: string
  readonly type?: string
  readonly runId?: string
  /** All of them: params added later are not repeatable. */
  readonly params?: Strings
  readonly tags?: Strings
}

/** Logged models: created, filled with artifacts, and declared ready. */
export class Models {
  constructor(readonly http: Transport) {}

  /** Not repeated where the answer was lost. */
  async create({ experimentId, name, type, runId, params = {}, tags = {} }: NewModel): Promise<LoggedModel> {
    const fields = {
      name: name.replaceAll(/[/:.%"']/g, '-'),
      ...(type === undefined ? {} : { model_type: type }),
      ...(runId === undefined ? {} : { source_run_id: runId }),
      params: toPairs(params),
      tags: toPairs(tags),
      experiment_id: experimentId,
    }
    return modelOf((await this.http.call<{ model: Raw }>('POST', 'logged-models', fields, { once: true })).model)
  }

  async get(id: string): Promise<LoggedModel> {
    return modelOf((await this.http.call<{ model: Raw }>('GET', `logged-models/${encodeURIComponent(id)}`)).model)
  }

  /** Says whether its artifacts are all there. */
  async finish(id: string, status: 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED' = 'LOGGED_MODEL_READY'): Promise<void> {
    await this.http.call('PATCH', `logged-models/${encodeURIComponent(id)}`, { status, model_id: id })
  }

  async setTags(id: string, tags: Strings): Promise<void> {
    await this.http.call('PATCH', `logged-models/${encodeURIComponent(id)}/tags`, { tags: toPairs(tags), model_id: id })
  }

  async delete(id: string): Promise<void> {
    await this.http.call('DELETE', `logged-models/${encodeURIComponent(id)}`, { model_id: id })
  }

  async *search(experimentIds: readonly string[], filter = '', page = 50): AsyncGenerator<LoggedModel> {
    let token: string | undefined
    do {
      const found = await this.http.call<{ models?: readonly Raw[]; next_page_token?: string }>('POST', 'logged-models/search', {
        ...(token ? { page_token: token } : {}),
        filter,
        max_results: page,
        experiment_ids: experimentIds,
      })
      yield* (found.models ?? []).map(modelOf)
      token = found.next_page_token
    } while (token)
  }
}

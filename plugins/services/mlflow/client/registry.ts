import { InputError } from 'ockham'
import { MlflowError } from './errors.js'
import type { Transport } from './transport.js'
import type { ModelVersion } from './types.js'

interface Raw {
  readonly name: string
  readonly version: string
  readonly source: string
  readonly status: string
  readonly run_id?: string
  readonly aliases?: readonly string[]
}

// The server does not say which logged model a version was made from, but where that model is.
const modelIn = (source: string): string | undefined => /\/models\/(m-[0-9a-f]+)\/artifacts$/.exec(source)?.[1]

const versionOf = (raw: Raw): ModelVersion => {
  const modelId = modelIn(raw.source)
  return {
    name: raw.name,
    version: raw.version,
    source: raw.source,
    status: raw.status,
    ...(raw.run_id ? { runId: raw.run_id } : {}),
    ...(modelId ? { modelId } : {}),
    aliases: raw.aliases ?? [],
  }
}

/** Registered models: versions under a name, and aliases that point at one. */
export class Registry {
  constructor(readonly http: Transport) {}

  /** Makes sure that a name is registered. */
  async ensure(name: string): Promise<void> {
    if (/[/:]/.test(name) || name === '')
      throw new InputError({
        code: 'OCK-MLFLOW-015',
        what: `'${name}' cannot name a registered model`,
        remedy: 'use no slash and no colon',
      })
    try {
      await this.http.call('POST', 'registered-models/create', { name })
    } catch (error) {
      if (!(error instanceof MlflowError) || error.mlflow !== 'RESOURCE_ALREADY_EXISTS') throw error
    }
  }

  /** Registers a logged model, or a folder of a run's artifacts, as the next version. What is registered already gives its version. */
  async register(
    name: string,
    from: { readonly source: string; readonly runId?: string; readonly modelId?: string },
  ): Promise<ModelVersion> {
    await this.ensure(name)
    for await (const version of this.versions(name)) if (version.source === from.source) return version
    const made = await this.http.call<{ model_version: Raw }>(
      'POST',
      'model-versions/create',
      {
        source: from.source,
        ...(from.runId === undefined ? {} : { run_id: from.runId }),
        ...(from.modelId === undefined ? {} : { model_id: from.modelId }),
        name,
      },
      { once: true },
    )
    return versionOf(made.model_version)
  }

  async *versions(name: string, page = 1000): AsyncGenerator<ModelVersion> {
    let token: string | undefined
    do {
      const found = await this.http.call<{ model_versions?: readonly Raw[]; next_page_token?: string }>('GET', 'model-versions/search', {
        ...{ filter: `name='${name.replaceAll("'", "''")}'`, max_results: page },
        ...(token ? { page_token: token } : {}),
      })
      yield* (found.model_versions ?? []).map(versionOf)
      token = found.next_page_token
    } while (token)
  }

  async version(name: string, version: string): Promise<ModelVersion> {
    return versionOf((await this.http.call<{ model_version: Raw }>('GET', 'model-versions/get', { name, version })).model_version)
  }

  /** `latest` and `v1` are reserved by the server. */
  async setAlias(name: string, alias: string, version: string | number): Promise<void> {
    await this.http.call('POST', 'registered-models/alias', { alias, version: String(version), name })
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    await this.http.call('DELETE', 'registered-models/alias', { alias, name })
  }

  /** The version that an alias points at. Errors: `OCK-MLFLOW-005`. */
  async byAlias(name: string, alias: string): Promise<ModelVersion> {
    try {
      return versionOf((await this.http.call<{ model_version: Raw }>('GET', 'registered-models/alias', { name, alias })).model_version)
    } catch (error) {
      // The server calls a missing alias an invalid value.
      if (!(error instanceof MlflowError) || error.status !== 400) throw error
      throw new MlflowError(
        {
          code: 'OCK-MLFLOW-005',
          what: `the registered model '${name}' has no alias '${alias}'`,
          remedy: 'set it on the page of the model, or load models:/name/version',
        },
        'RESOURCE_DOES_NOT_EXIST',
        404,
        { cause: error },
      )
    }
  }

  async delete(name: string): Promise<void> {
    await this.http.call('DELETE', 'registered-models/delete', { name })
  }
}

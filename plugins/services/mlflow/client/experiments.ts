import { InputError } from 'ockham'
import { MlflowError } from './errors.js'
import type { Transport } from './transport.js'
import { fromPairs, toPairs, type Experiment, type Pair, type Strings, type View } from './types.js'

interface Raw {
  readonly experiment_id: string
  readonly name: string
  readonly artifact_location?: string
  readonly lifecycle_stage?: string
  readonly tags?: readonly Pair[]
}

const experimentOf = (raw: Raw): Experiment => ({
  id: raw.experiment_id,
  name: raw.name,
  artifactLocation: raw.artifact_location ?? '',
  deleted: raw.lifecycle_stage === 'deleted',
  tags: fromPairs(raw.tags),
})

/** Experiments: what runs are grouped under. */
export class Experiments {
  constructor(readonly http: Transport) {}

  /** Undefined where there is none; a deleted one is found. */
  async find(name: string): Promise<Experiment | undefined> {
    try {
      return experimentOf(
        (await this.http.call<{ experiment: Raw }>('GET', 'experiments/get-by-name', { experiment_name: name })).experiment,
      )
    } catch (error) {
      if (error instanceof MlflowError && error.mlflow === 'RESOURCE_DOES_NOT_EXIST') return undefined
      throw error
    }
  }

  async get(id: string): Promise<Experiment> {
    return experimentOf((await this.http.call<{ experiment: Raw }>('GET', 'experiments/get', { experiment_id: id })).experiment)
  }

  async create(name: string, tags: Strings = {}): Promise<string> {
    return (await this.http.call<{ experiment_id: string }>('POST', 'experiments/create', { tags: toPairs(tags), name })).experiment_id
  }

  /** The experiment of a name, created where there is none. A deleted one is restored, or refused with `OCK-MLFLOW-012`. */
  async getOrCreate(name: string, deleted: 'restore' | 'refuse' = 'refuse'): Promise<Experiment> {
    const found = await this.find(name)
    if (!found) {
      try {
        return await this.get(await this.create(name))
      } catch (error) {
        // Another process was first.
        if (error instanceof MlflowError && error.mlflow === 'RESOURCE_ALREADY_EXISTS') return this.getOrCreate(name, deleted)
        throw error
      }
    }
    if (!found.deleted) return found
    if (deleted === 'refuse')
      throw new InputError({
        code: 'OCK-MLFLOW-012',
        what: `the experiment '${name}' was deleted, and its name is taken as long as it is in the trash`,
        where: `experiment ${found.id}`,
        remedy: `restore it with \`mlflow experiments restore -x ${found.id}\`, or choose another name`,
      })
    await this.restore(found.id)
    return { ...found, deleted: false }
  }

  async delete(id: string): Promise<void> {
    await this.http.call('POST', 'experiments/delete', { experiment_id: id })
  }

  async restore(id: string): Promise<void> {
    await this.http.call('POST', 'experiments/restore', { experiment_id: id })
  }

  async rename(id: string, name: string): Promise<void> {
    await this.http.call('POST', 'experiments/update', { new_name: name, experiment_id: id })
  }

  async setTag(id: string, key: string, value: string): Promise<void> {
    await this.http.call('POST', 'experiments/set-experiment-tag', { key, value, experiment_id: id })
  }

  /** Every experiment that a filter finds, a page at a time. */
  async *search(filter = '', view: View = 'ACTIVE_ONLY', page = 1000): AsyncGenerator<Experiment> {
    let token: string | undefined
    do {
      const found = await this.http.call<{ experiments?: readonly Raw[]; next_page_token?: string }>('POST', 'experiments/search', {
        ...(token ? { page_token: token } : {}),
        filter,
        view_type: view,
        max_results: page,
      })
      yield* (found.experiments ?? []).map(experimentOf)
      token = found.next_page_token
    } while (token)
  }
}

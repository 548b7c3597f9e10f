import { createHash } from 'node:crypto'
import type { DatasetMeta, Json } from 'ockham'
import { keyOf, type DatasetInput } from './client/index.js'

const isRecord = (v: Json | undefined): v is { readonly [name: string]: Json } => typeof v === 'object' && v !== null && !Array.isArray(v)

/** A spec as params: `inference.optimizer.learningRate`; a component's name under the path it stands at. Lists of numbers stay whole. */
export function flatten(spec: Json, path = ''): { [key: string]: string } {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
  if (Array.isArray(spec) && (spec as readonly Json[]).some((v) => typeof v === 'object' && v !== null))
    return Object.assign({}, ...(spec as readonly Json[]).map((v, i) => flatten(v, at(String(i))))) as { [key: string]: string }
  if (isRecord(spec)) {
    const { use, ...rest } = spec
    const inside = Object.entries(rest).map(([name, v]) => flatten(v, at(name)))
    const own = typeof use === 'string' && path !== '' ? { [keyOf(path)]: use } : use === undefined ? {} : flatten(use, at('use'))
    return Object.assign({}, own, ...inside) as { [key: string]: string }
  }
  return path === '' ? {} : { [keyOf(path)]: typeof spec === 'string' ? spec : JSON.stringify(spec) }
}

/** A dataset that a run reads: where its spec names it, and what it is. */
export interface Read {
  readonly where: string
  readonly name: string
  readonly meta: DatasetMeta
}

const contexts: Readonly<Record<string, string>> = { train: 'training', validation: 'validation', test: 'test' }

/** A dataset as MLflow's inputs: each split of the run's own; one of what another component reads. */
export function inputsOf({ where, name, meta }: Read): DatasetInput[] {
  const own = where === 'dataset'
  const splits = own ? Object.keys(meta.splits) : ['']
  return splits.map((split) => ({
    name,
    // Of one digest MLflow keeps the first context alone.
    digest: createHash('sha256')
      .update(`${meta.digest} ${own ? split : where}`)
      .digest('hex')
      .slice(0, 36),
    sourceType: 'ockham',
    source: JSON.stringify({ use: name, where, sha256: meta.digest, ...(own ? { split } : {}), licence: meta.licence }),
    schema: JSON.stringify({ mlflow_tensorspec: { features: tensorSpecs(meta), targets: null } }),
    profile: JSON.stringify(own ? { examples: meta.splits[split] } : { splits: meta.splits }),
    context: own ? (contexts[split] ?? split) : where,
  }))
}

const tensorSpecs = (meta: DatasetMeta): Json =>
  Object.entries(meta.shapes).map(([name, { shape, dtype }]) => ({ name, type: 'tensor', 'tensor-spec': { dtype, shape: [-1, ...shape] } }))

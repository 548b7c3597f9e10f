import {
  fromPlain,
  InputError,
  problemOf,
  type CheckedRun,
  type Dataset,
  type DatasetMeta,
  type Json,
  type PipelineSpec,
  type Posterior,
  type Problem,
  type Saved,
  type Values,
} from 'ockham'

/** What `posterior.safetensors` holds beside the values: enough to serve the posterior without its data. */
export interface Kept {
  readonly saved: Saved
  readonly dataset: DatasetMeta
}

/** A posterior's file, decoded, as what was kept. */
export function keptOf({ values, metadata }: { readonly values: Values; readonly metadata: Readonly<Record<string, string>> }): Kept {
  const parsed = (name: string): unknown => JSON.parse(metadata[name] ?? 'null')
  return { saved: { kind: metadata['kind'] ?? '', values, meta: parsed('meta') as Json }, dataset: parsed('dataset') as DatasetMeta }
}

/** The dataset a posterior was learnt from, when only its description is at hand. */
const described = (meta: DatasetMeta): Dataset => ({
  meta,
  read: () =>
    Promise.reject(
      new InputError({
        code: 'OCK-RUN-012',
        what: 'a loaded posterior has no data to read',
        remedy: 'compose a pipeline with the dataset and initial: this run',
      }),
    ),
})

/** Composes model, objective and inference of a run's spec, not its data, and restores what was kept. Needs no files but those of the model. */
export async function restored(
  { saved, dataset }: Kept,
  spec: Json,
  check: (spec: PipelineSpec) => Promise<readonly CheckedRun[]>,
): Promise<{ readonly posterior: Posterior; readonly problem: Problem }> {
  const { model, objective, inference, seed } = spec as Record<string, Json>
  const served = {
    ...fromPlain({ seed: seed ?? 0, model, objective, inference, dataset: 'described' } as Json),
    dataset: described(dataset),
  } as PipelineSpec
  const [checked] = await check(served)
  const { inference: learnt, initial: _, ...pieces } = await checked!.create()
  const problem = problemOf(pieces)
  return { posterior: await learnt.restore(saved, problem), problem }
}

/** The posterior of {@link restored}. */
export const restorePosterior = async (...given: Parameters<typeof restored>): Promise<Posterior> => (await restored(...given)).posterior

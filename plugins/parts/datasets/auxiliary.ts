import type { Dataset } from 'ockham'
import { InputError, inputsOf } from 'ockham'
import { sameScaling } from './scaling.js'

/** A dataset that serves another, and the split to read. */
export interface Auxiliary {
  readonly dataset: Dataset
  readonly split: string
}

/** What an auxiliary dataset is for: points to regularise on, or examples to tell the training set's from. */
export type Purpose = 'context' | 'against'

const usual: Readonly<Record<Purpose, string>> = { context: 'train', against: 'test' }

const known = new WeakMap<Dataset, WeakMap<Dataset, Partial<Record<Purpose, Auxiliary>>>>()

/**
 * The dataset under the scaling of `of`, the training set, and its split: the one it names, its only one, or the usual one of the purpose.
 * Cached. Errors: `OCK-DATA-040` no such split, `041` inputs of another shape or type, `042` another scaling that cannot be changed.
 */
export function auxiliary(dataset: Dataset, of: Dataset, purpose: Purpose): Auxiliary {
  const under = known.get(of) ?? new WeakMap<Dataset, Partial<Record<Purpose, Auxiliary>>>()
  known.set(of, under)
  const found = under.get(dataset) ?? {}
  under.set(dataset, found)
  return (found[purpose] ??= { split: splitOf(dataset, purpose), dataset: alike(dataset, of, purpose) })
}

function splitOf({ split, meta }: Dataset, purpose: Purpose): string {
  const splits = Object.keys(meta.splits)
  const chosen = split ?? (splits.length === 1 ? splits[0]! : usual[purpose])
  if (splits.includes(chosen)) return chosen
  throw new InputError({
    code: 'OCK-DATA-040',
    what: `a dataset that serves as ${purpose} has no split '${chosen}'`,
    where: purpose,
    remedy: `name one of its splits in its option split: ${splits.join(', ')}`,
  })
}

/** The inputs' shapes and types, as text. */
function inputs({ meta }: Dataset): string {
  const fields = Object.entries(inputsOf(meta.shapes))
  return fields
    .map(([name, { shape, dtype }]) => `${name} ${dtype} [${shape.join(', ')}]`)
    .sort()
    .join(' and ')
}

function alike(dataset: Dataset, of: Dataset, purpose: Purpose): Dataset {
  const [own, wanted] = [inputs(dataset), inputs(of)]
  if (own !== wanted)
    throw new InputError({
      code: 'OCK-DATA-041',
      what: `an example of the dataset that serves as ${purpose} is ${own}, and one of the training set is ${wanted}`,
      where: purpose,
      remedy: 'choose a dataset with inputs of the same shape',
    })
  if (sameScaling(dataset.scaling, of.scaling)) return dataset
  if (dataset.rescaled) return dataset.rescaled(of.scaling)
  throw new InputError({
    code: 'OCK-DATA-042',
    what: `the dataset that serves as ${purpose} is scaled otherwise than the training set, and cannot be rescaled`,
    where: purpose,
    remedy: 'give it the method rescaled, or the same scaling',
  })
}

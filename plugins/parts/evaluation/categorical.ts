import { RunError } from 'ockham'
import type { Categorical, Predictions } from './predictions.js'

/** Predictions as class probabilities. Throws `OCK-EVAL-005`. */
export function categorical(predictions: Predictions, where: string): Categorical {
  if (predictions.kind === 'categorical') return predictions
  throw new RunError({
    code: 'OCK-EVAL-005',
    what: 'class probabilities are needed, and the predictions are numbers',
    where,
    remedy: 'leave this evaluation or bound out of a regression',
  })
}

export const unlabelled = (where: string): RunError =>
  new RunError({
    code: 'OCK-EVAL-004',
    what: 'there are no labels to compare predictions with',
    where,
    remedy: 'choose a labelled split',
  })

/** Class probabilities and labels, each one of the classes. Throws `OCK-EVAL-003`, `-004`, `-005`. */
export function labelled(predictions: Predictions, where: string): Categorical & { readonly labels: Int32Array } {
  const { labels, ...rest } = categorical(predictions, where)
  if (!labels) throw unlabelled(where)
  const bad = labels.findIndex((c) => c < 0 || c >= rest.classes)
  if (bad < 0) return { ...rest, labels }
  throw new RunError({
    code: 'OCK-EVAL-003',
    what: `the label ${labels[bad]} is none of the model's ${rest.classes} classes`,
    where: `${where}, row ${bad}`,
    remedy: 'evaluate on a dataset with the classes of the training set',
  })
}

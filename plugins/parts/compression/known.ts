import type { Inference, Problem, Run, Value, Values, Variables } from 'ockham'
import { InputError } from 'ockham'
import { partsOf, viewOf } from '../datasets/index.js'
import { parametric } from '../networks/index.js'
import type { Layout } from './message.js'
import type { Known } from './received.js'
import { isWrapper, type Wrapper } from './subspace.js'

/** What the start follows from, beside the key. */
export interface Starting {
  readonly levels: number
  readonly state: 'refuse' | 'code'
  /** Learns the start from its share of the training rows; absent where the start is drawn. */
  readonly prior?: { readonly inference: Inference; readonly share: number; readonly seed: number }
}

const sizeOf = (values: Values): number => Object.values(values).reduce((n, { data }) => n + data.length, 0)

/**
 * What encoder and decoder both know: the start of the model, drawn from the key or, around a subspace, learnt from other examples than those
 * the bound is about. Errors: `OCK-CODE-005` where the model has state, `-006` where learning starts from other weights, `-008` where a start
 * is to be learnt and the message would not be about differences to it.
 */
export async function knownOf(problem: Problem, run: Run, starting: Starting): Promise<Known> {
  refuse(problem)
  const { prior } = starting
  const drawn = await parametric(problem.model).init(run.key.fold('model'), problem.dataset.meta)
  const start = prior ? await learnt(problem, run, prior, drawn) : drawn
  if (starting.state === 'refuse') refuseState(start.state)
  return { start, layout: layoutOf(start, starting.levels), ...unseen(problem, starting) }
}

/** How much a message about these variables says. */
export const layoutOf = ({ params, state }: Variables<Value>, levels: number): Layout => ({
  dim: sizeOf(params),
  levels,
  plain: sizeOf(state),
})

/** Training rows that a learnt start has not seen. */
export const unseen = ({ examples }: Problem, { prior }: Starting): Pick<Known, 'rows'> =>
  prior ? { rows: partsOf(examples, prior.share, prior.seed).bound } : {}

/** The wrapper's start moved to where the inner model comes to on its share of the rows. */
async function learnt(
  problem: Problem,
  run: Run,
  { inference, share, seed }: NonNullable<Starting['prior']>,
  drawn: Variables<Value>,
): Promise<Variables<Value>> {
  const wrapper = wrapperOf(problem)
  const rows = partsOf(problem.examples, share, seed).prior
  const own: Problem = { ...problem, model: wrapper.of, dataset: viewOf(problem.dataset, rows), examples: rows.length }
  const point = (await run.infer('start', inference, own)).weights?.point()
  if (!point) throw noWeights('prior')
  return wrapper.at(drawn, point)
}

/** The problem on the rows that the start has not seen. */
export const withoutStart = (problem: Problem, { rows }: Known): Problem =>
  rows ? { ...problem, dataset: viewOf(problem.dataset, rows), examples: rows.length } : problem

function wrapperOf({ model }: Problem): Wrapper {
  if (isWrapper(model)) return model
  throw new InputError({
    code: 'OCK-CODE-008',
    what: 'the message says weights as they are, so that a start that was learnt would not shorten it',
    where: 'inference.prior',
    remedy: 'wrap the model in { use: subspace, … }, or leave prior and share out',
  })
}

function refuse(problem: Problem): void {
  if (!problem.initial) return
  throw new InputError({
    code: 'OCK-CODE-006',
    what: 'learning starts from other weights, which the message does not say and a decoder would not have',
    where: 'initial',
    remedy: 'leave initial out: the start is drawn from the seed',
  })
}

function refuseState(state: Values): void {
  const names = Object.keys(state)
  if (names.length === 0) return
  throw new InputError({
    code: 'OCK-CODE-005',
    what: `running statistics follow from the data and are not in the message: ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}`,
    where: 'model',
    remedy:
      'freeze them ({ use: subspace, state: freeze }), code them ({ use: quantised, state: code }), or choose a model without batch norm',
  })
}

/** The error for an inference that gave no weights. `OCK-CODE-007` */
export const noWeights = (option: string): InputError =>
  new InputError({
    code: 'OCK-CODE-007',
    what: 'the inference before it gave no weights to quantise',
    where: `inference.${option}`,
    remedy: 'quantise after map, or another inference over weights',
  })

/* What composes and what must not: at the top level, one level down, two levels down, and where an instance stands for a name. */
import { use } from 'ockham'
import type { Inference, Posterior, Spec, Use } from 'ockham'
import type { Scalar } from 'ockham/tensor'
import './catalogue.js'

declare function compose(spec: {
  readonly dataset: Use<'dataset'>
  readonly prior?: Use<'prior'>
  readonly inference: Use<'inference'>
  readonly evaluations?: readonly Use<'evaluation'>[]
}): void

const dataset = use('test-idx', { root: 'data' })
const inference = use('test-map')

export const kinds: [Spec<'dataset'>, Spec<'inference'>] = [dataset, inference]

// Depth: a reference in a reference in a reference.
compose({
  dataset: use('test-subset', { of: use('test-subset', { of: dataset, size: 3 }), size: 2 }),
  prior: use('test-fseb', { context: use('test-subset', { of: dataset, size: 9 }), covScale: 0.1 }),
  inference: use('test-ensemble', { of: use('test-mixture', { of: [inference, use('test-map', { epochs: 2 })], against: [dataset] }) }),
})

// An instance where a name may stand, with everything inferred.
compose({
  dataset,
  inference,
  prior: { energy: ({ net }) => net.vars.params['w']!.square().sum<Scalar>() },
  evaluations: [{ evaluate: async (posterior) => ({ values: { 'test/evidence': posterior.evidence ?? 0 } }) }],
})
compose({
  dataset,
  inference: use('test-ensemble', {
    of: { infer: async (problem): Promise<Posterior> => problem.initial!, restore: (_, problem) => problem.initial! } satisfies Inference,
  }),
})

// @ts-expect-error unknown name
use('test-idxx', { root: 'data' })
// @ts-expect-error options are missing
use('test-idx')
// @ts-expect-error an option is missing
use('test-idx', {})
// @ts-expect-error unknown option
use('test-idx', { root: 'data', rot: 1 })
// @ts-expect-error an option of the wrong type
use('test-idx', { root: 1 })
// @ts-expect-error wrong kind at the top
compose({ dataset: inference, inference })
// @ts-expect-error wrong kind at the top, the other way
compose({ dataset, inference: dataset })
// @ts-expect-error wrong kind one level down
use('test-ensemble', { of: dataset })
// @ts-expect-error wrong kind two levels down
use('test-ensemble', { of: use('test-ensemble', { of: dataset }) })
// @ts-expect-error wrong option two levels down
use('test-ensemble', { of: use('test-ensemble', { of: use('test-map', { epoch: 1 }) }) })
// @ts-expect-error wrong name two levels down
use('test-ensemble', { of: use('test-ensemble', { of: use('test-mapp') }) })
// @ts-expect-error wrong kind in an array
use('test-mixture', { of: [inference, dataset] })
// @ts-expect-error wrong kind in an optional array
use('test-mixture', { of: [inference], against: [inference] })
// @ts-expect-error an instance of the wrong kind
compose({ dataset, inference: { evaluate: async () => ({ values: {} }) } })
// @ts-expect-error an energy is a scalar, not text
compose({ dataset, inference, prior: { energy: () => 'low' } })
// @ts-expect-error references are made by use alone
compose({ dataset: { name: 'test-idx', options: { root: 'data' } }, inference })

import type { Problem, Run } from 'ockham'
import { InputError } from 'ockham'
import type { Layers } from '../../parts/curvature/index.js'
import type { Coordinates } from './coordinates.js'
import type { LaplaceOptions } from './options.js'

/** Refuses an objective that is no likelihood. Throws `OCK-LAPLACE-001`. */
export function refuse({ objective }: Problem): void {
  if (objective.root) return
  throw new InputError({
    code: 'OCK-LAPLACE-001',
    what: 'the objective is not the negative logarithm of a likelihood: it has no root of its Hessian',
    where: 'objective',
    remedy: 'choose cross-entropy or gaussian',
  })
}

/** Says which weights are not uncertain, and why; refuses where none are left. */
export function tell(run: Pick<Run, 'emit'>, { layers, left, last }: Layers, { subset }: LaplaceOptions): void {
  const reasons = Object.entries(left)
  if (layers.length === 0)
    throw new InputError({
      code: 'OCK-LAPLACE-005',
      what: `the model has no linear layer: ${reasons.map(([, reason]) => reason).join('; ') || 'it has no parameters'}`,
      where: 'model',
      remedy: 'layers announce <layer>.in and <layer>.out around their product with <layer>.kernel',
    })
  // Of the last layer alone others say nothing, unless one of them should have been it.
  if (reasons.length === 0 || (subset === 'last-layer' && last)) return
  const said = [...new Set(reasons.map(([, reason]) => reason))].join('; ')
  if (subset === 'last-layer') {
    const taken = layers.at(-1)!.name
    const message = `the last layer has no factor (${said}), so that the last that has one is taken: ${taken}. What comes after it keeps its trained values`
    return run.emit({ type: 'warning', code: 'OCK-LAPLACE-005', message })
  }
  run.emit({
    type: 'warning',
    code: 'OCK-LAPLACE-005',
    message: `${reasons.length} parameters have no factor and keep their trained values: ${said}`,
  })
}

/** Refuses what would not fit, with what would. */
export function check(at: Coordinates, { structure, rank, points, memory }: LaplaceOptions): void {
  const kept = { full: 3 * at.size, 'low-rank': 3 * rank, functional: 3 * points, kfac: 0, diagonal: 4 }[structure]
  const bytes = structure === 'kfac' ? at.layers.reduce((n, l) => n + 40 * ((l.inputs + 1) ** 2 + l.outputs ** 2), 0) : 8 * kept * at.size
  if (bytes > memory * 2 ** 30)
    throw new InputError({
      code: 'OCK-LAPLACE-008',
      what: `the structure ${structure} of ${at.size} weights would take ${(bytes / 2 ** 30).toPrecision(3)} GiB, and memory is ${memory}`,
      where: 'inference.structure',
      remedy: 'choose structure kfac or diagonal, subset last-layer, or a subset of parameters',
    })
  if (structure !== 'kfac') return
  const uneven = at.blocks.filter((b) => at.precision.subarray(b.at, b.at + b.size).some((d) => d !== at.precision[b.at]))
  if (uneven.length > 0)
    throw new InputError({
      code: 'OCK-LAPLACE-009',
      what: `the prior's precision is not one number for ${uneven.map((b) => b.param).join(', ')}, and a Kronecker product wants one`,
      where: 'prior',
      remedy: 'choose structure diagonal, full or low-rank, or set priorPrecision',
    })
}

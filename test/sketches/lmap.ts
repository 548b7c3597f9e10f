/*
 * Function-space MAP (Qiu et al. 2023): the most probable function instead of the most probable parameters.
 * Exact energy ½ log det(JᵀJ / n + εI); Laplacian form tr(JᵀJ / n) / 2ε by one random perturbation a step.
 */
import type { Dataset, Prior } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { asInput, cholesky, inverseFactored, jacobian, logDeterminant, map, sumSquares, value, zip } from './parts.js'

interface LmapOptions {
  readonly epsilon: number
  /** Standard deviation of the perturbation. */
  readonly std: number
  readonly priorVar: number
  readonly context?: { readonly of: Dataset; readonly size: number }
}

const contextTerm = ({ of, size }: NonNullable<LmapOptions['context']>): Pick<Prior, 'feed' | 'rows'> => ({
  feed: (step, key) => of.read('train', key.fold('points').fold(step).integers([size], of.meta.splits['train']!)),
  rows: (feed) => asInput(feed),
})

export const lmap = (o: LmapOptions): Prior => ({
  ...(o.context && contextTerm(o.context)),

  energy({ net, x, y, key }): Scalar {
    // The step's key is symbolic: fresh at every step, also where many steps are one program.
    const psi = map(net.vars.params, (p, name) => key.fold(name).normal(p.shape).mul(o.std))
    const there = net.with(zip(net.vars.params, psi, (p, d) => p.add(d)))
    // y is the pass that the objective uses too: two passes a step, with the same masks.
    const trace: Scalar = there(x)
      .sub(y)
      .square()
      .sum(-1)
      .mean()
      .div(o.std ** 2)
    return trace.div(2 * o.epsilon).add(sumSquares(net.vars.params).div(2 * o.priorVar))
  },
})

/** Exact, for models of up to about a thousand parameters. */
export const fsMap = (o: { readonly epsilon: number; readonly priorVar: number }): Prior => ({
  energy({ engine, net, x, y }): Scalar {
    const rows = y.shape[0]
    const J = jacobian(engine, net, x, rows)
    const G = J.matMul(J, true).div(rows)
    const P = G.shape[0]
    const [A, half] = engine.host(
      (g) => {
        const L = cholesky(g)
        return [inverseFactored(L), value([logDeterminant(L) / 2], [], 'float64')]
      },
      [G.add(tf.eye(P).mul(o.epsilon))],
      [[P, P], []],
    )
    // The host call has no gradient; ½ tr(A G) with A fixed has that of ½ log det, so it lends it.
    const lent: Scalar = A!.mul(G).sum().mul(0.5)
    return lent
      .sub(engine.stop(lent))
      .add(half!)
      .add(sumSquares(net.vars.params).div(2 * o.priorVar))
  },
})

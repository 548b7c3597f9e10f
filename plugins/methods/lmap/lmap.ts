/*
 * L-MAP. Qiu, Rudner, Kapoor, Wilson, "Should We Learn Most Likely Functions or Parameters?", NeurIPS 2023, arXiv 2311.15990:
 * log det(G + εI) to first order in G/ε, with G = E JᵀJ over points and tr G from one random perturbation of the weights a step.
 */
import type { Key, Prior, Resolved } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { table } from '../../parts/context/index.js'
import { map, sumSquares, zip } from '../../parts/training/index.js'
import { normals, signs } from './draws.js'
import { looked, pointShape, pointsFit, pointsMisfit } from './points.js'

const positive = z.number().positive()

export const lmapOptions = z
  .strictObject({
    lambda: z
      .number()
      .min(0)
      .optional()
      .describe('λ, weight of tr G beside the mean loss, 5e-6 unless epsilon is given; 0 leaves the parameter term'),
    epsilon: positive.optional().describe('ε = 1/(2λN) instead: what is added to the eigenvalues of G'),
    std: positive.default(1e-3).describe('β, standard deviation of the perturbation of every weight'),
    perturbation: z
      .enum(['normal', 'rademacher'])
      .default('normal')
      .describe('normal numbers, of twelve bits each, or ±1, which have less variance where G is near diagonal, and are cheaper'),
    relative: z.boolean().default(false).describe("perturb each tensor in units of its entries' root mean square"),
    centred: z.boolean().default(false).describe('leave out what all outputs of a point have in common, which softmax does not see'),
    priorVar: positive.default(0.1).describe('v, prior variance of every parameter'),
    ...pointShape,
  })
  .refine(({ lambda, epsilon }) => lambda === undefined || epsilon === undefined, {
    error: 'lambda and epsilon are two ways to say one thing: give one',
    path: ['epsilon'],
  })
  .refine(pointsFit, pointsMisfit)

export type LmapOptions = Resolved<z.output<typeof lmapOptions>>

const draw = { normal: normals, rademacher: signs }

/** ψ for a tensor of weights, of standard deviation β, or β times the root mean square of the weights. */
function perturbation(p: Tensor, key: Key, { std, relative, perturbation: of }: LmapOptions, stop: (t: Tensor) => Tensor): Tensor {
  const psi = draw[of](key, p.shape).mul(std)
  return relative ? psi.mul(stop(p.square().mean().sqrt())) : psi
}

/** Σ_i m_i ‖d_i‖² / Σ m_i, the mean squared change of the outputs over the points that count. */
function meanSquare(change: Tensor, mask: Tensor, centred: boolean): Scalar {
  const d = centred ? change.sub(change.mean(1, true)) : change
  return d.square().mul(mask).sum().div<Scalar>(mask.sum().maximum(1))
}

/**
 * Energy tr Ĝ / 2ε + ‖θ‖²/2v, nats, with tr Ĝ = mean ‖f(x; θ + ψ) − f(x; θ)‖² / β² over the points x of the step; the gradient flows through
 * both passes, masks are shared, and batch norm's running moments are those of the unperturbed pass.
 */
export function lmap(options: LmapOptions): Prior {
  const { lambda = 5e-6, epsilon, std, centred, priorVar } = options
  const { extra, mask } = looked(options)
  const idle = epsilon === undefined && lambda === 0
  return {
    ...(idle ? {} : extra),
    energy(step): Scalar {
      const { engine, net, x, y, key, examples } = step
      const parameters = sumSquares(net.vars.params).div<Scalar>(2 * priorVar)
      if (idle) return parameters
      const stream = key.fold('psi')
      const psi = map(net.vars.params, (p, name) => perturbation(p, stream.fold(name), options, (t) => engine.stop(t)))
      const there = net.with(zip(net.vars.params, psi, (p, d) => p.add(d)))(x)
      const trace = meanSquare(table(there.sub(y)), mask(step), centred).div<Scalar>(std * std)
      return trace.mul(epsilon === undefined ? lambda * examples : 1 / (2 * epsilon)).add<Scalar>(parameters)
    },
  }
}

import type { DatasetMeta, Process, Value, Values } from 'ockham'
import { added, prefixed, rowsOf, under, type Embedded, type Kernel } from './kernels/kernel.js'

/** Outputs of a process on a dataset: its classes, or the numbers of a target. */
export const outputsOf = ({ classes, shapes }: DatasetMeta): number =>
  classes?.length ?? (shapes['y']?.shape ?? []).reduce((n, s) => n * s, 1)

/** Numbers of an input. */
export const dimensionsOf = ({ shapes }: DatasetMeta): number => (shapes['x']?.shape ?? []).reduce((n, s) => n * s, 1)

const ofKernel = (hyper: Values): Values => under('kernel.', hyper)

export interface GpProcess extends Process {
  readonly kernel: Kernel
  /** That of the kernel, under the names of the process. */
  readonly embedded?: Embedded
}

/** A Gaussian process with one kernel for all outputs and, with `mean: 'constant'`, a constant mean a learnt number an output. */
export function gp({ kernel, mean: kind }: { kernel: Kernel; mean: 'constant' | 'zero' }): GpProcess {
  const whole = kernel.embedded
  return {
    kernel,
    ...(whole && {
      embedded: {
        profile: whole.profile,
        embed: (hyper, x) => whole.embed(ofKernel(hyper), x),
        pull: (hyper, x, products, byLogVariance) => prefixed('kernel.', whole.pull(ofKernel(hyper), x, products, byLogVariance)),
      },
    }),
    async init(key, meta) {
      const mean: Value = { shape: [outputsOf(meta)], dtype: 'float64', data: new Float64Array(outputsOf(meta)) }
      return { mean, ...prefixed('kernel.', kernel.init(dimensionsOf(meta), key)) }
    },
    mean({ mean }, x) {
      const outputs = mean!.data.length
      const n = rowsOf(x)
      return { shape: [n, outputs], dtype: 'float64', data: Float64Array.from({ length: n * outputs }, (_, i) => mean!.data[i % outputs]!) }
    },
    covariance: (hyper, a, b) => kernel.covariance(ofKernel(hyper), a, b),
    variance: (hyper, x) => kernel.variance(ofKernel(hyper), x),
    gradient(hyper, { mean, covariance = [], variance }) {
      const p = ofKernel(hyper)
      const outputs = hyper['mean']!.data.length
      const byMean = new Float64Array(outputs)
      if (mean && kind === 'constant') mean.by.data.forEach((v: number, i: number) => (byMean[i % outputs]! += v))
      const zeros = Object.fromEntries(Object.entries(p).map(([name, v]) => [name, { ...v, data: new Float64Array(v.data.length) }]))
      const parts = covariance.map(({ a, b, by }) => kernel.pull(p, a, b, by))
      if (variance) parts.push(kernel.pullVariance(p, variance.x, variance.by))
      return { mean: { ...hyper['mean']!, data: byMean }, ...prefixed('kernel.', parts.reduce(added, zeros)) }
    },
  }
}

import type { Problem, Run } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { outputSize } from '../../parts/networks/index.js'
import { zeros } from '../../parts/training/index.js'
import type { Setting } from './evidence.js'

/** The noise of a regression where it is one number for all; undefined for classes, and where it differs from output to output. */
export async function noiseOf(problem: Problem, run: Run, loss: number): Promise<Setting['noise']> {
  if (problem.dataset.meta.classes) return undefined
  const { sigma, count } = await noiseGiven(problem, run)
  if (sigma === undefined) return undefined
  const squaredErrors = 2 * sigma * sigma * (loss - count * Math.log(sigma * Math.sqrt(2 * Math.PI)))
  return { given: sigma, squaredErrors: Math.max(0, squaredErrors), count }
}

/** σ of the objective, read from what it predicts at no output in particular. */
async function noiseGiven({ objective, dataset }: Problem, { engine }: Run): Promise<{ sigma?: number; count: number }> {
  const outputs = outputSize(dataset.meta)
  const count = outputs * (dataset.meta.splits['train'] ?? 0)
  const noise = engine.compile(({ y }: { y: Tensor }) => {
    const p = objective.predict(y)
    return { noise: p.kind === 'normal' ? (p.noise ?? p.variance) : tf.zeros([0]) }
  })
  const predicted = Array.from((await noise({ y: zeros([1, outputs]) })).noise.data)
  noise.dispose()
  const [first] = predicted
  return first !== undefined && predicted.every((v) => v === first) ? { sigma: Math.sqrt(first), count } : { count }
}

import { hostKey, type Model, type Posterior, type Saved } from 'ockham'
import { afterAll, expect, it } from 'vitest'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { smallProblem } from '../../../test/suites/index.js'
import { markPublished } from '../networks/index.js'
import { fromWeights, pointMass, savedWeights } from './weights.js'
import { value } from './trees.js'

const engine = createEngine(await interpreter())
afterAll(() => engine.dispose())

/** A model whose frozen numbers are those of a file with this digest. */
const model = (digest: string): Model => ({
  init() {
    const frozen = { base: value([1, 2, 3]) }
    markPublished(frozen, { path: 'base.gguf', digest: () => digest })
    return { params: { own: value([4]) }, frozen, state: {} }
  },
  apply: (_, x) => x as never,
})

it('what is frozen and lies in a published file is not saved, and is read from it again', async () => {
  const problem = smallProblem(hostKey(0), { model: model('abc') })
  const vars = await model('abc').init(hostKey(1), problem.dataset.meta)
  const posterior: Posterior = fromWeights(problem, engine, pointMass({ ...vars, frozen: { ...vars.frozen, drawn: value([5]) } }))
  const saved: Saved = posterior.save()
  expect(Object.keys(saved.values).sort()).toEqual(['frozen.drawn', 'params.own'])
  expect(saved.meta).toEqual({ published: { path: 'base.gguf', digest: 'abc' } })
  expect(await savedWeights(saved, problem)).toEqual({ ...vars, frozen: { ...vars.frozen, drawn: value([5]) } })
  await expect(savedWeights(saved, smallProblem(hostKey(0), { model: model('other') }))).rejects.toThrow('OCK-TRAIN-012')
})

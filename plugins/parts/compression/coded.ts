import type { Model } from 'ockham'
import { byName, cut } from './subspace.js'
import { straightThrough } from './straight-through.js'
import { tf } from 'ockham/tensor'

/** The name of the levels among the parameters, which no layer has. */
export const codebookName = 'codebook'

/** A model whose parameters are all read through the codebook that is one of them. */
export const coded = (model: Model): Model => ({
  init: (key, meta) => model.init(key, meta),
  apply(vars, x, call) {
    const { [codebookName]: codebook, ...given } = vars.params
    const params = byName(given)
    const numbers = tf.concat(Object.values(params).map((p) => p.reshape([-1])))
    return model.apply({ ...vars, params: cut(straightThrough(numbers, codebook!), params) }, x, call)
  },
})

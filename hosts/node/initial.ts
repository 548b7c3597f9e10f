import { existsSync, readFileSync } from 'node:fs'
import { InputError, type Json, type Posterior, type Value, type Values, type Variables } from 'ockham'
import { decode } from '../../plugins/parts/safetensors/index.js'

const part = (values: Values, prefix: string): Values =>
  Object.fromEntries(Object.entries(values).flatMap(([n, v]) => (n.startsWith(prefix) ? [[n.slice(prefix.length), v]] : [])))

/** Weights without a predictive distribution: a place where learning can start. */
export function weightsOnly(values: Values): Posterior {
  const grouped = Object.keys(values).some((n) => n.startsWith('params.'))
  const vars: Variables<Value> = grouped
    ? { params: part(values, 'params.'), frozen: part(values, 'frozen.'), state: part(values, 'state.') }
    : { params: values, frozen: {}, state: {} }
  return {
    weights: { point: () => vars, sample: () => Promise.resolve(vars) },
    predict: () =>
      Promise.reject(
        new InputError({
          code: 'OCK-SPEC-031',
          what: 'weights alone do not predict',
          where: 'initial',
          remedy: 'use inference: given to serve them',
        }),
      ),
    save: () => ({ kind: 'weights', values, meta: null as Json }),
  }
}

/** Reads a file of weights in safetensors, ours or anybody's with the model's names. */
export function readWeights(file: string): Posterior {
  if (!existsSync(file))
    throw new InputError({
      code: 'OCK-SPEC-033',
      what: `there is no file of weights '${file}'`,
      where: 'initial',
      remedy: 'give a .safetensors file or a run',
    })
  return weightsOnly(decode(readFileSync(file)).values)
}

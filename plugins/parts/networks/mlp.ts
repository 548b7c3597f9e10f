import type { Model } from 'ockham'
import { z } from 'zod'
import { activations, type Activation } from './activations.js'
import { dense } from './dense.js'
import { denseInit } from './init.js'
import { inputSize, outputSize } from './sizes.js'

const names = Object.keys(activations) as [Activation, ...Activation[]]

export const mlpOptions = z.strictObject({
  hidden: z.array(z.int().positive()).default([256, 256]).describe('units of each hidden layer; [] is a linear model'),
  activation: z.enum(names).default('relu').describe('function after each hidden layer'),
  init: z
    .enum(['he', 'lecun', 'glorot'])
    .default('he')
    .describe('scale of the hidden kernels at the start; the head uses lecun, biases are zero'),
})

/**
 * A fully connected network: hidden layers `layer0`, `layer1`, …, then `head`.
 * Inputs of any shape are flattened to [n, d]; the output is [n, C] logits or [n, D] means.
 */
export const mlp = ({ hidden, activation, init }: z.output<typeof mlpOptions>): Model => ({
  init(key, meta) {
    const sizes = [inputSize(meta), ...hidden]
    const layers = hidden.map((units, i) => denseInit(key, `layer${i}`, sizes[i]!, units, init))
    const head = denseInit(key, 'head', sizes[hidden.length]!, outputSize(meta), 'lecun')
    return { params: Object.assign({}, ...layers, head) as typeof head, frozen: {}, state: {} }
  },
  apply(vars, x, call) {
    const input = x as Exclude<typeof x, Readonly<Record<string, unknown>>>
    let h = input.rank === 2 ? input : input.reshape([input.shape[0], -1])
    if (h.dtype !== 'float32') h = h.cast('float32')
    for (const i of hidden.keys()) h = activations[activation](dense(vars, `layer${i}`, h, call))
    return dense(vars, 'head', h, call)
  },
})

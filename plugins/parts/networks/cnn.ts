import type { Model } from 'ockham'
import { z } from 'zod'
import { conv, convInit, pooled } from './conv.js'
import { dense } from './dense.js'
import { denseInit } from './init.js'
import { asImages, imageShape } from './pictures.js'
import { outputSize } from './sizes.js'

export const cnnOptions = z.strictObject({
  channels: z
    .array(z.int().positive())
    .min(1)
    .default([32, 64])
    .describe('channels of each 3 × 3 convolution; each is followed by pooling by two'),
  hidden: z.array(z.int().positive()).default([256]).describe('units of each dense layer before the head'),
  init: z
    .enum(['he', 'lecun', 'glorot', 'small-uniform'])
    .default('he')
    .describe(
      'scale of convolution and hidden kernels at the start; small-uniform: convolutions uniform with variance 1 / (20 fan-in), dense ones lecun',
    ),
})

/**
 * The small convolutional network of image benchmarks: 3 × 3 convolutions `conv0`, `conv1`, … with rectifier and 2 × 2 max pooling, dense layers
 * `layer0`, …, then `head`. Images [n, h, w, c]; the output is [n, C] logits or [n, D] means.
 */
export const cnn = ({ channels, hidden, init }: z.output<typeof cnnOptions>): Model => ({
  init(key, meta) {
    const [height, width, depth] = imageShape(meta)
    const chain = [depth, ...channels]
    const convs = channels.map((out, i) => convInit(key, `conv${i}`, 3, [chain[i]!, out], init, true))
    const halved = (n: number): number => channels.reduce((m) => Math.floor(m / 2), n)
    const sizes = [halved(height) * halved(width) * channels.at(-1)!, ...hidden]
    const inner = init === 'small-uniform' ? 'lecun' : init
    const layers = hidden.map((units, i) => denseInit(key, `layer${i}`, sizes[i]!, units, inner))
    const head = denseInit(key, 'head', sizes.at(-1)!, outputSize(meta), 'lecun')
    return { params: Object.assign({}, ...convs, ...layers, head) as typeof head, frozen: {}, state: {} }
  },
  apply(vars, x, call) {
    let h = asImages(x)
    // The rectifier after pooling gives what it gives before, from a quarter of the numbers.
    for (const i of channels.keys()) h = pooled(conv(vars, `conv${i}`, h, call), 2).relu()
    h = h.reshape([h.shape[0], -1])
    for (const i of hidden.keys()) h = dense(vars, `layer${i}`, h, call).relu()
    return dense(vars, 'head', h, call)
  },
})

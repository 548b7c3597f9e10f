import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { cnn, cnnOptions } from './cnn.js'
import { mlp, mlpOptions } from './mlp.js'
import { resnet, resnetOptions } from './resnet.js'

export { markPublished, publishedIn, type Origin } from './published.js'
export { bind, parametric, type BoundNet, type Normalising } from './net.js'
export { attention, attentionInit, type AttentionOptions } from './attention.js'
export { byHand } from './by-hand.js'
export { dropout } from './dropout.js'
export { embedding } from './embedding.js'
export { gelu, geluTanh } from './gelu.js'
export { byGroups, groupNorm, layerNorm, overRoot, normInit, rmsNorm, standardised } from './norms.js'
export { dense, variable } from './dense.js'
export { activations, type Activation } from './activations.js'
export { denseInit, kernel, uniformKernel, type Init } from './init.js'
export { inputSize, outputSize } from './sizes.js'
export { mlp, mlpOptions } from './mlp.js'
export { conv, convInit, globalPool, pads, pair, pooled, type ConvInit, type ConvOptions } from './conv.js'
export { batchNorm, batchNormInit } from './batch-norm.js'
export { asImages, imageShape } from './pictures.js'
export { cnn, cnnOptions } from './cnn.js'
export { resnet, resnetOptions } from './resnet.js'

declare module 'ockham' {
  interface Catalog {
    mlp: { kind: 'model'; options: z.input<typeof mlpOptions> }
    cnn: { kind: 'model'; options: z.input<typeof cnnOptions> }
    resnet: { kind: 'model'; options: z.input<typeof resnetOptions> }
  }
}

export default definePlugin({
  name: 'networks',
  provides: [
    component({
      kind: 'model',
      name: 'mlp',
      about: 'Fully connected network on flattened inputs',
      options: mlpOptions,
      offers: ['weights', 'head'],
      create: mlp,
    }),
    component({
      kind: 'model',
      name: 'cnn',
      about: 'Small convolutional network on images',
      options: cnnOptions,
      offers: ['weights', 'head'],
      create: cnn,
    }),
    component({
      kind: 'model',
      name: 'resnet',
      about: 'Residual network with basic blocks on small images',
      options: resnetOptions,
      offers: ['weights', 'head'],
      create: resnet,
    }),
  ],
})

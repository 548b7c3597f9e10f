import { definePlugin } from 'ockham'

export { gaussNewton, hvp, rootHessian, softmaxHessian, type OutputHessian } from './curvature.js'
export { linearize, type Linear } from './linearize.js'
export { perExample, type ExampleLayer, type Observed } from './per-example.js'
export { add, dot, scale } from './trees.js'

export default definePlugin({ name: 'derivatives', provides: [] })

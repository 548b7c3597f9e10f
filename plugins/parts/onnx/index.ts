import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { onnx, onnxOptions } from './model.js'

export { onnx, onnxOptions, type OnnxOptions } from './model.js'

declare module 'ockham' {
  interface Catalog {
    onnx: { kind: 'model'; options: z.input<typeof onnxOptions> }
  }
}

export default definePlugin({
  name: 'onnx',
  provides: [
    component({
      kind: 'model',
      name: 'onnx',
      about: 'A network from an ONNX file, trained anywhere',
      options: onnxOptions,
      offers: ({ weights }) => (weights === 'params' ? ['weights', 'head'] : []),
      create: onnx,
    }),
  ],
})

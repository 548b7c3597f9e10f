/* Takes the place of the engine's kit: a browser gets TensorFlow.js from the page's own bundle. */
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm/dist/register_all_kernels.js'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu/dist/backend_cpu.js'
import { BackendWasm, init, setWasmPaths } from '@tensorflow/tfjs-backend-wasm/dist/backend_wasm.js'
import { MPRandGauss, RandGamma, UniformRandom } from '@tensorflow/tfjs-core/dist/ops/rand_util.js'
import { backpropagateGradients, getFilteredNodesXToY } from '@tensorflow/tfjs-core/dist/tape.js'

export const kit = {
  tf,
  MathBackendCPU,
  BackendWasm,
  initWasm: init,
  setWasmPaths,
  MPRandGauss,
  RandGamma,
  UniformRandom,
  backpropagateGradients,
  getFilteredNodesXToY,
}
export const kitFile = ''

// Takes effect at once, as this backend starts synchronously. It would print advice when it is first written to.
void tf.setBackend('cpu')
Object.assign(tf.backend(), { firstUse: false })

/** The wasm binaries lie beside the page. */
export const wasmFolder = (): string => new URL('./', document.baseURI).href

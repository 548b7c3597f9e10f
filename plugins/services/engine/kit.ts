import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu'
import type { KernelBackend, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core'
import { bundle, folderOf, load } from './bundle.js'

/** An entry of tfjs' gradient tape. */
export interface TapeNode {
  readonly id: number
  readonly kernelName: string
  readonly outputs: Tensor[]
  readonly inputs: NamedTensorMap
  readonly gradient?: (dys: Tensor[]) => Record<string, () => Tensor>
  readonly saved?: Tensor[]
  /** Ours: what the kernel was called with. */
  attrs?: Readonly<Record<string, unknown>>
}

/** A class of tfjs that draws numbers. */
interface Generator {
  readonly prototype: { nextValue(): number }
}

/** What the bundle exports: tfjs, and what the engine needs of its inside. */
export interface Kit {
  readonly tf: typeof import('@tensorflow/tfjs-core')
  readonly MathBackendCPU: typeof MathBackendCPU
  readonly BackendWasm: new (module: unknown) => KernelBackend
  readonly initWasm: () => Promise<{ wasm: unknown }>
  readonly setWasmPaths: (prefix: string) => void
  readonly getFilteredNodesXToY: (tape: TapeNode[], xs: Tensor[], y: Tensor) => TapeNode[]
  readonly backpropagateGradients: (
    gradients: Record<number, Tensor>,
    tape: TapeNode[],
    tidy: (f: () => Tensor) => Tensor,
    add: (a: Tensor, b: Tensor) => Tensor,
  ) => void
  readonly MPRandGauss: Generator
  readonly RandGamma: Generator
  readonly UniformRandom: Generator
}

/** File of the bundle: its stack frames are tfjs'. */
export const kitFile = bundle()
export const kit = load(kitFile) as Kit

// Takes effect at once, as this backend starts synchronously. It would print advice when it is first written to.
void kit.tf.setBackend('cpu')
;(kit.tf.backend() as unknown as { firstUse: boolean }).firstUse = false

/** Folder of the wasm binaries, ending in a slash. */
export const wasmFolder = (): string => `${folderOf('@tensorflow/tfjs-backend-wasm')}/dist/`

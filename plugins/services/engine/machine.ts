import type { Value } from 'ockham'
import type { KernelConfig, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core'
import type { Slot } from './graph.js'
import { kernels } from './kernels.js'
import { kit, wasmFolder } from './kit.js'
import type { Attrs } from './signatures/row.js'
import { tf } from './tensor.js'
import { dataOf } from './values.js'

type Name = 'cpu' | 'wasm'

/** A tensor on one of the two backends. */
export interface Held {
  readonly info: TensorInfo
  readonly on: Name
}

/** The part of both backends that is used. */
interface Backend {
  write(values: ArrayLike<number>, shape: number[], dtype: string): object
  readSync(dataId: object): ArrayLike<number>
  incRef(dataId: object): void
  disposeData(dataId: object): boolean
  numDataIds(): number
}

let wasm: Promise<Backend> | undefined

/**
 * Starts tfjs' wasm backend, once a process, without registering it: the default backend of tfjs stays what it is.
 * Emscripten listens to uncaught errors of the whole process; that is undone.
 */
function startWasm(): Promise<Backend> {
  wasm ??= (async () => {
    const events = ['uncaughtException', 'unhandledRejection'] as const
    const before = events.map((event) => process.rawListeners(event))
    kit.setWasmPaths(wasmFolder())
    const { wasm: module } = await kit.initWasm()
    events.forEach((event, i) => {
      for (const listener of process.rawListeners(event))
        if (!before[i]!.includes(listener)) process.removeListener(event, listener as () => void)
    })
    const backend = new kit.BackendWasm(module) as unknown as Backend
    for (const kernel of tf.getKernelsForBackend('wasm')) kernel.setupFunc?.(backend)
    return backend
  })()
  return wasm
}

/**
 * Kernels whose wasm version is another function: `FloorDiv` gives floats, `Prelu` does not stretch x, `Cast` to bool cuts,
 * `MaxPoolGrad` looks for the maximum in other places.
 */
const cpuOnly = new Set(['FloorDiv', 'Prelu', 'Cast', 'MaxPoolGrad'])

/** tfjs' kernels, called directly: wasm where it has the kernel for these types, else cpu. */
export class Machine {
  readonly #backends: Readonly<Record<Name, Backend | undefined>>

  private constructor(wasmBackend: Backend | undefined) {
    const cpu = new kit.MathBackendCPU()
    // It would print advice when it is first written to.
    ;(cpu as unknown as { firstUse: boolean }).firstUse = false
    this.#backends = { cpu: cpu as unknown as Backend, wasm: wasmBackend }
  }

  static async start(useWasm: boolean): Promise<Machine> {
    return new Machine(useWasm ? await startWasm() : undefined)
  }

  /** Tensors that live on the backends. */
  get size(): number {
    return Object.values(this.#backends).reduce((sum, b) => sum + (b?.numDataIds() ?? 0), 0)
  }

  put(
    value: { readonly shape: readonly number[]; readonly dtype: string; readonly data: ArrayLike<number> },
    on: Name = this.#backends.wasm ? 'wasm' : 'cpu',
  ): Held {
    const dtype = (value.dtype === 'float64' ? 'float32' : value.dtype) as Slot['dtype']
    const shape = [...value.shape]
    const data = value.dtype === dtype && on === 'wasm' ? value.data : dataOf(dtype, value.data)
    return { info: { dataId: this.#backend(on).write(data, shape, dtype), shape, dtype }, on }
  }

  /** A copy; on cpu a tensor may share memory with others, or hold another type than it says. */
  read({ info, on }: Held): Value {
    const dtype = info.dtype as Slot['dtype']
    return { shape: [...info.shape], dtype, data: dataOf(dtype, this.#backend(on).readSync(info.dataId)) }
  }

  free({ info, on }: Held): void {
    this.#backend(on).disposeData(info.dataId)
  }

  run(kernel: string, inputs: readonly Held[], attrs: Attrs): Held[] {
    const { on, config } = this.#choose(kernel, inputs)
    const moved: Held[] = []
    const infos = inputs.map((held) => {
      if (held.on === on) return held.info
      const copy = this.put(this.read(held), on)
      moved.push(copy)
      return copy.info
    })
    const names = kernels[kernel]?.inputs ?? []
    const named = names === 'list' ? infos : Object.fromEntries(infos.map((info, i) => [names[i]!, info]))
    const made = config.kernelFunc({
      inputs: named as NamedTensorInfoMap,
      attrs: attrs as NamedAttrMap,
      backend: this.#backend(on),
    })
    for (const held of moved) this.free(held)
    return (Array.isArray(made) ? made : [made]).map((info) => ({ info: this.#untracked(info, on), on }))
  }

  /** tfjs' cpu abs makes a tensor that its engine counts; here data are counted by the machine alone. */
  #untracked(info: TensorInfo, on: Name): TensorInfo {
    if (!(info instanceof tf.Tensor)) return info
    const { dataId, shape, dtype } = info
    const backend = this.#backend(on)
    backend.incRef(dataId)
    info.dispose()
    tf.engine().removeDataId(dataId, backend as unknown as Parameters<ReturnType<typeof tf.engine>['removeDataId']>[1])
    return { dataId, shape: [...shape], dtype }
  }

  #choose(kernel: string, inputs: readonly Held[]): { on: Name; config: KernelConfig } {
    const fast =
      this.#backends.wasm && !cpuOnly.has(kernel) && inputs.every((h) => h.info.dtype === 'float32')
        ? tf.getKernel(kernel, 'wasm')
        : undefined
    return fast ? { on: 'wasm', config: fast } : { on: 'cpu', config: tf.getKernel(kernel, 'cpu') }
  }

  #backend(on: Name): Backend {
    return this.#backends[on]!
  }
}

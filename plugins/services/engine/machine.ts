import type { Value } from 'ockham'
import type { KernelConfig, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core'
import type { Slot } from './graph.js'
import { kernels } from './kernels.js'
import { kit, wasmFolder } from './kit.js'
import type { Attrs } from './signatures/row.js'
import { tf } from './tensor.js'
import { dataOf } from './values.js'

/** A tensor on one of the backends. */
export interface Held {
  readonly info: TensorInfo
  readonly on: string
}

/** The part of tfjs' backends that is used. */
export interface Backend {
  write(values: ArrayLike<number>, shape: number[], dtype: string): object
  readSync(dataId: object): ArrayLike<number>
  incRef(dataId: object): void
  disposeData(dataId: object): boolean
  numDataIds(): number
}

/** A backend that is taken where it can, before tfjs' cpu. */
export interface Preferred {
  readonly name: string
  readonly backend: Backend
  /** Whether it is to run a kernel that it has on these inputs. */
  takes(kernel: string, inputs: readonly Held[], attrs: Attrs): boolean
  /** Attributes as its kernels want them. */
  attrs?(kernel: string, inputs: readonly Held[], attrs: Attrs): Attrs | undefined
  /** An operand as its kernels want it. */
  operand?(info: TensorInfo): TensorInfo
  /** Does work in the surroundings that its kernels want. */
  around?<T>(work: () => T): T
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

/** wasm has no kernels but for floats. */
const wasmMachine = (backend: Backend): Preferred => ({
  name: 'wasm',
  backend,
  takes: (kernel, inputs) => !cpuOnly.has(kernel) && inputs.every((h) => h.info.dtype === 'float32'),
})

/** tfjs' kernels, called directly: those of a preferred backend where it takes them, else cpu's. */
export class Machine {
  readonly #cpu: Backend
  readonly #preferred: Preferred | undefined

  constructor(preferred?: Preferred) {
    const cpu = new kit.MathBackendCPU()
    // It would print advice when it is first written to.
    ;(cpu as unknown as { firstUse: boolean }).firstUse = false
    this.#cpu = cpu as unknown as Backend
    this.#preferred = preferred
  }

  static async start(useWasm: boolean): Promise<Machine> {
    return new Machine(useWasm ? wasmMachine(await startWasm()) : undefined)
  }

  /** Tensors that live on the backends. */
  get size(): number {
    return this.#cpu.numDataIds() + (this.#preferred?.backend.numDataIds() ?? 0)
  }

  put(
    value: { readonly shape: readonly number[]; readonly dtype: string; readonly data: ArrayLike<number> },
    on = this.#preferred?.name ?? 'cpu',
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
    const { on, config } = this.#choose(kernel, inputs, attrs)
    const moved: Held[] = []
    const infos = inputs.map((held) => {
      if (held.on === on) return held.info
      const copy = this.put(this.read(held), on)
      moved.push(copy)
      return copy.info
    })
    const names = kernels[kernel]?.inputs ?? []
    const given = on === 'cpu' || !this.#preferred?.operand ? infos : infos.map(this.#preferred.operand)
    const named = names === 'list' ? given : Object.fromEntries(given.map((info, i) => [names[i]!, info]))
    const said = (on !== 'cpu' && this.#preferred?.attrs?.(kernel, inputs, attrs)) || attrs
    const call = (): TensorInfo[] => {
      const made = config.kernelFunc({
        inputs: named as NamedTensorInfoMap,
        attrs: said as NamedAttrMap,
        backend: this.#backend(on),
      })
      return (Array.isArray(made) ? made : [made]).map((info) => this.#untracked(info, on))
    }
    const results = on !== 'cpu' && this.#preferred?.around ? this.#preferred.around(call) : call()
    for (const held of moved) this.free(held)
    return results.map((info) => ({ info, on }))
  }

  /** Some kernels, cpu's abs and all of tfjs-node's, make tensors that tfjs' engine counts; here data are counted by the machine alone. */
  #untracked(info: TensorInfo, on: string): TensorInfo {
    if (!(info instanceof tf.Tensor)) return info
    const { dataId, shape, dtype } = info
    const backend = this.#backend(on)
    backend.incRef(dataId)
    info.dispose()
    tf.engine().removeDataId(dataId, backend as unknown as Parameters<ReturnType<typeof tf.engine>['removeDataId']>[1])
    return { dataId, shape: [...shape], dtype }
  }

  #choose(kernel: string, inputs: readonly Held[], attrs: Attrs): { on: string; config: KernelConfig } {
    const preferred = this.#preferred
    const config = preferred?.takes(kernel, inputs, attrs) ? tf.getKernel(kernel, preferred.name) : undefined
    return config ? { on: preferred!.name, config } : { on: 'cpu', config: tf.getKernel(kernel, 'cpu') }
  }

  #backend(on: string): Backend {
    return on === 'cpu' ? this.#cpu : this.#preferred!.backend
  }
}

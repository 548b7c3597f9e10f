import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TensorInfo } from '@tensorflow/tfjs-core'
import { definePlugin, InputError } from 'ockham'
import { tf } from 'ockham/tensor'
import type { Executor } from '../engine/executor.js'
import { interpreterOn } from '../engine/interpreter.js'
import { Machine, type Preferred } from '../engine/machine.js'
import { loadTensorFlow, packages, type PackageName } from './load.js'
import { worded } from './padding.js'

export interface TfjsNodeOptions {
  /** Which of the packages; the one on the CPU unless given. */
  readonly package?: PackageName
  /** Folders whose `node_modules` are looked in; Ockham's own and the current one by default. */
  readonly from?: readonly string[]
  /** Times every kernel: `engine.profile()` then gives a table. */
  readonly profile?: boolean
}

/** Kernels whose TensorFlow version is another function: `FloorDiv` gives floats. */
const cpuOnly = new Set(['FloorDiv'])

/** Kernels that take padding in numbers, too. */
const withPads = new Set(['Conv2D', 'DepthwiseConv2dNative'])

/** Attributes as TensorFlow takes them; undefined where it does not, or where it does something else. */
const attrsFor: NonNullable<Preferred['attrs']> = (kernel, inputs, attrs) => {
  const said = worded(kernel, inputs, attrs)
  // At the border of an image tfjs divides by the whole window, and the engine's gradient of `avgPool` counts on that.
  if (kernel === 'AvgPoolGrad') return said?.['pad'] === 'valid' ? said : undefined
  return said ?? (withPads.has(kernel) ? attrs : undefined)
}

/**
 * Where rows and columns differ in stride, TensorFlow (2.16.2, oneDNN) computes convolutions of one channel to one column wrongly, and gradients by
 * the filter write beyond their memory.
 */
const uneven: Preferred['takes'] = (kernel, _, { strides }) =>
  kernel.startsWith('Conv2D') && Array.isArray(strides) && strides[0] !== strides[1]

/** TensorFlow refuses negative powers of integers. */
const integerPower: Preferred['takes'] = (kernel, inputs) => kernel === 'Pow' && inputs[0]!.info.dtype === 'int32'

/** What TensorFlow does; the rest is left to tfjs' cpu kernels. */
const takes: Preferred['takes'] = (kernel, inputs, attrs) =>
  !cpuOnly.has(kernel) &&
  !uneven(kernel, inputs, attrs) &&
  !integerPower(kernel, inputs, attrs) &&
  attrsFor(kernel, inputs, attrs) !== undefined

/** Some of its kernels call tfjs' own operations, which take tensors alone. This one is not counted by tfjs' engine. */
const operand = ({ shape, dtype, dataId }: TensorInfo): TensorInfo => new tf.Tensor(shape, dtype, dataId, 0)

/** Its kernels make tensors for the backend that tfjs' engine has just then. */
function around(backend: Preferred['backend']): NonNullable<Preferred['around']> {
  const engine = tf.engine() as unknown as { backendName: string; backendInstance: unknown } & Pick<
    ReturnType<typeof tf.engine>,
    'startScope' | 'endScope'
  >
  return (work) => {
    const { backendName, backendInstance } = engine
    Object.assign(engine, { backendName: 'tensorflow', backendInstance: backend })
    engine.startScope()
    try {
      return work()
    } finally {
      engine.endScope()
      Object.assign(engine, { backendName, backendInstance })
    }
  }
}

/**
 * The interpreter on TensorFlow's kernels, by `@tensorflow/tfjs-node` or `-gpu`, which are installed apart. Throws `OCK-TFJS-001` where the
 * package is not there, `-002` where it does not load, `-003` where it was to use a GPU and does not.
 */
export async function tfjsNode(options: TfjsNodeOptions = {}): Promise<Executor> {
  const name = options.package ?? packages[0]
  const { backend, version, tensorflow, gpu } = loadTensorFlow(
    name,
    options.from ?? [dirname(fileURLToPath(import.meta.url)), process.cwd()],
  )
  if (name === packages[1] && !gpu)
    throw new InputError({
      code: 'OCK-TFJS-003',
      what: `${name} found no GPU`,
      where: '--engine tfjs-node-gpu',
      remedy: 'install the CUDA libraries that its TensorFlow wants, or use --engine tfjs-node',
    })
  const machine = new Machine({ name: 'tensorflow', backend, takes, attrs: attrsFor, operand, around: around(backend) })
  const build = { 'tfjs-node': version, tensorflow, provider: gpu ? 'gpu' : 'cpu' }
  return interpreterOn(
    machine,
    { name: name === packages[1] ? 'tfjs-node-gpu' : 'tfjs-node', build },
    options.profile ? { profile: true } : {},
  )
}

export default definePlugin({ name: 'tfjs-node', provides: [] })

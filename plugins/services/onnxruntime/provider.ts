import { InputError } from 'ockham'
import * as ort from 'onnxruntime-node'
import { Scope } from './model.js'
import { providers, type Provider } from './providers.js'

const remedies: Readonly<Record<Provider, string>> = {
  cpu: 'install onnxruntime-node for this platform',
  webgpu: 'install the driver of a GPU (Vulkan on Linux), or use provider cpu',
  cuda: 'fetch the libraries by `npm rebuild onnxruntime-node --ignore-scripts=false`, with CUDA 12 and cuDNN 9 on the library path; or use provider cpu',
}

/** One small product: a provider that is there gives its number. */
async function probe(provider: Provider): Promise<void> {
  const scope = new Scope('probe')
  const x = scope.input('x', 'float32', [2, 2])
  const y = scope.output(scope.emit('MatMul', [x, x], {}, 1, 'MatMul')[0]!, 'float32', [2, 2])
  const session = await ort.InferenceSession.create(scope.model(), { executionProviders: [provider], logSeverityLevel: 4 })
  const result = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2, 3, 4), [2, 2]) })
  await session.release()
  if (result[y]!.data[3] !== 22) throw new Error(`its product is ${String(result[y]!.data[3])} where 22 is right`)
}

/** Makes sure that a provider is there and computes. Throws `OCK-ORT-011` with the reason and what to do; nothing else is taken in its place. */
export async function checkProvider(provider: string): Promise<Provider> {
  const known = providers.find((p) => p === provider)
  const refuse = (what: string, remedy: string, cause?: unknown): InputError =>
    new InputError({ code: 'OCK-ORT-011', what, where: 'onnxruntime, provider', remedy }, { cause })
  if (!known) throw refuse(`there is no execution provider '${provider}'`, `choose one of ${providers.join(', ')}`)
  if (known === 'cpu') return known
  try {
    await probe(known)
  } catch (cause) {
    const said = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!
    throw refuse(`the execution provider ${known} does not work here: ${said}`, remedies[known], cause)
  }
  return known
}

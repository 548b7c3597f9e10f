import type { InputError } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import { onnxruntime } from './index.js'

/** The engine on a provider, or why there is none. */
const started = (provider: string) =>
  onnxruntime({ provider: provider as 'cpu', threads: 1 }).catch((error: unknown) => error as InputError)

describe('execution providers', () => {
  it('that do not exist are refused with those that do', async () => {
    expect(await started('tpu')).toMatchObject({ code: 'OCK-ORT-011', message: expect.stringContaining('cpu, webgpu, cuda') })
  })

  it.each(['cpu', 'webgpu', 'cuda'])(
    '%s runs what it is asked, or says why not and what to do; nothing takes its place',
    async (provider) => {
      const executor = await started(provider)
      if (executor instanceof Error) {
        expect(provider).not.toBe('cpu')
        expect(executor.code).toBe('OCK-ORT-011')
        expect(executor.message).toMatch(new RegExp(`${provider} does not work here: .+ → .*or use provider cpu`, 's'))
        return
      }
      expect(executor.build['provider']).toBe(provider)
      const engine = createEngine(executor)
      const y = await engine.compile((a: { x: Tensor }) => a.x.matMul(a.x).relu())({
        x: { shape: [2, 2], dtype: 'float32', data: Float32Array.of(1, 2, -3, 4) },
      })
      expect(Array.from(y.data)).toEqual([0, 10, 0, 10])
      await engine.dispose()
    },
  )
})

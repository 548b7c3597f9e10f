/* Engines agree, and the same spec gives the same bytes: what a recorded number rests on. */
import { createHost, use } from 'ockham/hosts/node'
import { describe, expect, it } from 'vitest'

const spec = (seed: number) => ({
  seed,
  dataset: use('two-moons', { n: 120 }),
  model: use('mlp', { hidden: [32, 32] }),
  objective: use('cross-entropy'),
  prior: use('fseb', { context: use('two-moons', { split: 'grid' }), contextSize: 32, covDiag: 3 }),
  inference: use('map', { steps: 50, batchSize: 32, schedule: 'cosine', warmup: 5, clip: 5 }),
})

const learnt = async (engine: 'onnxruntime' | 'interpreter', seed = 4) => {
  const host = await createHost({ engine, out: false })
  const { posterior } = await host.run(spec(seed))
  await host.dispose()
  return posterior!.save().values
}

describe('after fifty steps', () => {
  it('both engines hold the same weights to 1e-4 of their norm', async () => {
    const [a, b] = [await learnt('onnxruntime'), await learnt('interpreter')]
    expect(Object.keys(a)).toEqual(Object.keys(b))
    for (const [name, { data }] of Object.entries(a)) {
      const other = b[name]!.data
      const norm = (x: ArrayLike<number>) => Math.hypot(...Array.from(x))
      expect(norm(Array.from(data, (v, i) => v - other[i]!)) / norm(data), name).toBeLessThan(1e-4)
    }
  })

  it.each(['onnxruntime', 'interpreter'] as const)('%s gives the same bytes again, and others for another seed', async (engine) => {
    const first = await learnt(engine)
    expect(await learnt(engine)).toEqual(first)
    expect(await learnt(engine, 5)).not.toEqual(first)
  })
})

import type { Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterEach, describe, expect, it } from 'vitest'
import { createEngine, interpreter, type Executor } from './index.js'
import { Residents, type Resident } from './residents.js'

describe('what rests', () => {
  const one = (bytes: number, freed: string[], name: string): Resident => ({ bytes, running: 0, free: () => void freed.push(name) })

  it('is given up oldest first, where it is more than the limit; never the last, nor what runs', () => {
    const freed: string[] = []
    const all = new Residents(10)
    const [a, b, c, big] = [one(4, freed, 'a'), one(4, freed, 'b'), one(4, freed, 'c'), one(50, freed, 'big')]
    const call = (of: Resident): void => {
      all.enter(of)
      all.rest(of)
    }
    call(a)
    call(b)
    call(a)
    expect(freed).toEqual([])
    call(c)
    expect(freed).toEqual(['b'])
    all.enter(a)
    call(big)
    expect(freed).toEqual(['b', 'c'])
    all.rest(a)
    expect(freed).toEqual(['b', 'c', 'big'])
  })
})

describe('programs of an engine that keeps nothing', () => {
  let executor: Executor
  afterEach(() => executor.dispose())
  const x: Value = { shape: [2], dtype: 'float32', data: Float32Array.of(1, 2) }

  it('are compiled anew when they are called again, disposed once, and give the same', async () => {
    let [made, gone] = [0, 0]
    const inner = await interpreter()
    executor = new Proxy(inner, {
      get: (of, name) =>
        name === 'compile'
          ? async (...args: Parameters<Executor['compile']>) => {
              made++
              const executable = await of.compile(...args)
              const dispose = (): void => {
                gone++
                executable.dispose()
              }
              return { run: (inputs: readonly Value[]) => executable.run(inputs), dispose }
            }
          : (Reflect.get(of, name) as unknown),
    })
    const engine = createEngine(executor, { resting: 1 })
    const twice = engine.compile((a: { x: Tensor }) => ({ y: a.x.mul(2) }))
    const sum = engine.compile((a: { x: Tensor }) => ({ y: tf.sum(a.x) }))
    const first = await twice({ x })
    expect([twice.compiled, sum.compiled]).toEqual([1, 0])
    await sum({ x })
    expect([twice.compiled, sum.compiled]).toEqual([0, 1])
    expect(await twice({ x })).toEqual(first)
    const both = await Promise.all([twice({ x }), sum({ x }), twice({ x })])
    expect(Array.from(both[2].y.data)).toEqual([2, 4])
    twice.dispose()
    sum.dispose()
    await Promise.resolve()
    await new Promise(setImmediate)
    expect(gone).toBe(made)
    await expect(twice({ x })).rejects.toThrow('disposed')
  })
})

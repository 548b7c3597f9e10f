import { hostKey, type Dataset, type Key, type Value, type Variables } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { afterAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { generate, gpt, presets } from '../gpt/index.js'
import { bind, mlp } from '../networks/index.js'
import { characters } from '../tokenizers/index.js'
import { prefix } from './index.js'

const engine = createEngine(await interpreter())
afterAll(() => engine.dispose())

const meta: Dataset['meta'] = {
  task: 'language',
  classes: ['a', 'b', 'c', 'd', 'e'],
  splits: { train: 1 },
  shapes: { x: { shape: [4], dtype: 'int32' } },
  digest: '',
  licence: '',
}
const sizes = { ...presets['smollm2-135m'], layers: 2, width: 8, heads: 4, keyValueHeads: 2, feedForward: 12, context: 16, vocabulary: 5 }
const base = gpt({ ...sizes, dropout: 0 })
const options = { length: 3, scale: 1 }
const x: Value = { shape: [2, 4], dtype: 'int32', data: Int32Array.of(0, 1, 2, 3, 4, 4, 1, 0) }

async function at(model: typeof base, vars: Variables<Value>, point?: string, ids = x): Promise<Float32Array> {
  const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => {
    const net = bind(model, a.vars, a.key, false)
    return { y: point === undefined ? net(a.x) : net.points(a.x, [point])[point]! }
  })
  const { y } = await program({ vars, x: ids, key: hostKey(3) })
  program.dispose()
  return y.data as Float32Array
}

const far = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]!)), 0)

/** A prefix of no keys and values. */
const without = (vars: Variables<Value>): Variables<Value> => {
  const none = (v: Value): Value => ({ ...v, shape: [2, 0, 2], data: new Float32Array(0) })
  return { ...vars, params: Object.fromEntries(Object.entries(vars.params).map(([name, v]) => [name, none(v)])) }
}

describe('prefix', () => {
  it('learns keys and values alone, and without any is its base', async () => {
    const model = prefix(base, options)
    const vars = await model.init(hostKey(0), meta)
    expect(Object.keys(vars.params).sort()).toEqual([0, 1].flatMap((i) => [`block${i}.attn.prefix.keys`, `block${i}.attn.prefix.values`]))
    expect(vars.params['block1.attn.prefix.keys']!.shape).toEqual([2, 3, 2])
    const own = { params: vars.frozen, frozen: {}, state: {} }
    expect(far(await at(model, vars), await at(base, own))).toBeGreaterThan(1e-3)
    expect(far(await at(model, without(vars)), await at(base, own))).toBe(0)
  })

  it('is softmax over its keys and those before a token: the weights of the first token, by hand', async () => {
    const model = prefix(base, options)
    const vars = await model.init(hostKey(0), meta)
    const weights = await at(model, vars, 'block0.attn.weights')
    const [q, k] = [await at(model, vars, 'block0.attn.q.out'), await at(model, vars, 'block0.attn.k.out')]
    // Head 3 of row 0 shares key-value head 1; the first place is turned by no angle.
    const query = [q[6]!, q[7]!]
    const learnt = vars.params['block0.attn.prefix.keys']!.data
    const keys = [...[0, 1, 2].map((p) => [learnt[6 + 2 * p]!, learnt[7 + 2 * p]!]), [k[2]!, k[3]!]]
    const scores = keys.map(([a, b]) => Math.exp((query[0]! * a! + query[1]! * b!) / Math.sqrt(2)))
    const total = scores.reduce((a, b) => a + b, 0)
    const found = weights.slice(3 * 4 * 7, 3 * 4 * 7 + 7)
    expect(far(found, [...scores.map((s) => s / total), 0, 0, 0])).toBeLessThan(1e-6)
  })

  it('goes on token by token as if it read all at once', async () => {
    const model = prefix(base, options)
    const vars = await model.init(hostKey(0), meta)
    const tokenizer = characters('abcde')
    const [row] = await generate({ model, vars, sizes, engine }, { prompts: [[0, 1]], tokens: 3, tokenizer })
    const all = [0, 1]
    for (let i = 0; i < 3; i++) {
      const logits = await at(model, vars, undefined, { shape: [1, all.length], dtype: 'int32', data: Int32Array.from(all) })
      const last = logits.slice(-5)
      all.push(last.indexOf(Math.max(...last)))
    }
    expect(row!.tokens).toEqual(all.slice(2))
  })

  it('has a gradient in every key and value', async () => {
    const model = prefix(base, options)
    const vars = await model.init(hostKey(0), meta)
    const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => {
      const loss = (p: Variables['params']): Scalar =>
        bind(
          model,
          { ...a.vars, params: p },
          a.key,
          false,
        )(a.x)
          .square()
          .sum()
      return engine.valueAndGrad((p) => ({ value: loss(p), aux: null }), a.vars.params).grads
    })
    for (const [name, { data }] of Object.entries(await program({ vars, x, key: hostKey(3) })))
      expect(
        Array.from(data).every((g) => g !== 0),
        name,
      ).toBe(true)
    program.dispose()
  })

  it('is of decoders', () => {
    expect(() => prefix(mlp({ hidden: [3], activation: 'tanh', init: 'he' }), options)).toThrow('OCK-PREFIX-001')
  })
})

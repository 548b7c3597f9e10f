import { hostKey, type Dataset, type Key, type Model, type Value, type Variables } from 'ockham'
import { type Tensor } from 'ockham/tensor'
import { afterAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { gpt, presets } from '../gpt/index.js'
import { bind, mlp } from '../networks/index.js'
import { prefix } from '../prefix/index.js'
import { decode } from '../safetensors/index.js'
import { decodePeft, encodePeft, lora, merged, unmerged, type LoraOptions } from './index.js'

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
const sizes = { ...presets['smollm2-135m'], layers: 2, width: 8, heads: 2, keyValueHeads: 1, feedForward: 12, context: 6, vocabulary: 5 }
const base = gpt({ ...sizes, dropout: 0 })
const options: LoraOptions = { targets: ['attn.q', 'attn.v', 'down'], rank: 2, alpha: 6, dropout: 0 }
const x: Value = { shape: [2, 4], dtype: 'int32', data: Int32Array.of(0, 1, 2, 3, 4, 4, 1, 0) }

async function logits(model: Model, vars: Variables<Value>, train = false): Promise<Float32Array> {
  const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => bind(model, a.vars, a.key, train)(a.x))
  const { data } = await program({ vars, x, key: hostKey(3) })
  program.dispose()
  return data as Float32Array
}

/** Adapters that have learnt something. */
const shaken = (params: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(params).map(([name, v]) => [name, { ...v, data: hostKey(7).fold(name).normal(v.shape).data }]))

const far = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]!)), 0)

describe('lora', () => {
  it('starts as its base, and learns only its products', async () => {
    const model = lora(base, options)
    const vars = await model.init(hostKey(0), meta)
    expect(Object.keys(vars.params).sort()).toEqual(
      [0, 1].flatMap((i) => ['attn.q', 'attn.v', 'down'].flatMap((l) => ['a', 'b'].map((p) => `block${i}.${l}.lora.${p}`))).sort(),
    )
    expect(vars.params['block0.attn.v.lora.a']!.shape).toEqual([8, 2])
    expect(vars.params['block0.attn.v.lora.b']!.shape).toEqual([2, 4])
    const own = { params: vars.frozen, frozen: {}, state: {} }
    expect(far(await logits(model, vars), await logits(base, own))).toBe(0)
  })

  it('is the base at W + (α / r) A B: merged, and unmerged again', async () => {
    const model = lora(base, options)
    const fresh = await model.init(hostKey(0), meta)
    const vars = { ...fresh, params: shaken(fresh.params) }
    const whole = merged(vars, options)
    expect(far(await logits(model, vars), await logits(base, fresh))).toBeGreaterThan(0.1)
    expect(far(await logits(model, vars), await logits(base, whole))).toBeLessThan(1e-5)
    const back = unmerged(whole, vars.params, options)
    for (const [name, v] of Object.entries(fresh.frozen)) expect(far(back.frozen[name]!.data, v.data), name).toBeLessThan(1e-5)
  })

  it('has the gradient of the product alone: b moves first, since it starts at zero', async () => {
    const model = lora(mlp({ hidden: [3], activation: 'tanh', init: 'he' }), { ...options, targets: 'linear' })
    const vars = await model.init(hostKey(0), { ...meta, shapes: { x: { shape: [4], dtype: 'float32' } } })
    expect(Object.keys(vars.params)).toEqual(['layer0.lora.a', 'layer0.lora.b'])
    const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => {
      const { grads } = engine.valueAndGrad(
        (p) => ({
          value: bind(
            model,
            { ...a.vars, params: p },
            a.key,
            false,
          )(a.x)
            .square()
            .sum(),
          aux: null,
        }),
        a.vars.params,
      )
      return grads
    })
    const grads = await program({ vars, x: { shape: [2, 4], dtype: 'float32', data: hostKey(1).normal([2, 4]).data }, key: hostKey(3) })
    expect(Object.keys(grads)).toEqual(['layer0.lora.a', 'layer0.lora.b'])
    expect(far(grads['layer0.lora.a']!.data, new Float32Array(8))).toBe(0)
    expect(far(grads['layer0.lora.b']!.data, new Float32Array(6))).toBeGreaterThan(1e-3)
  })

  it('drops inputs of the product while training only', async () => {
    const model = lora(base, { ...options, dropout: 0.5 })
    const fresh = await model.init(hostKey(0), meta)
    const vars = { ...fresh, params: shaken(fresh.params) }
    expect(far(await logits(model, vars), await logits(lora(base, options), vars))).toBe(0)
    expect(far(await logits(model, vars, true), await logits(model, vars))).toBeGreaterThan(1e-2)
  })

  it('names targets that mean no layer', async () => {
    const model = lora(base, { ...options, targets: ['attn.q', 'query'] })
    await expect((async () => model.init(hostKey(0), meta))()).rejects.toThrow(/OCK-LORA-001.*query.*attn.q/)
  })

  it('adapts a head that is tied to the token table', async () => {
    const model = lora(base, { ...options, targets: ['head'] })
    const fresh = await model.init(hostKey(0), meta)
    expect(fresh.params['head.lora.b']!.shape).toEqual([2, 5])
    const vars = { ...fresh, params: shaken(fresh.params) }
    expect(far(await logits(model, vars), await logits(base, fresh))).toBeGreaterThan(0.1)
    expect(() => merged(vars, options)).toThrow('OCK-LORA-002')
  })
})

it('PEFT: files by its names and layout, and back', async () => {
  const { params } = await lora(base, options).init(hostKey(0), meta)
  const learnt = shaken(params)
  const { weights, config } = encodePeft(learnt, sizes, options, 'smollm2')
  const { values } = decode(weights)
  const a = values['base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight']!
  expect(a.shape).toEqual([2, 8])
  expect(a.data[1]).toBe(learnt['block1.attn.v.lora.a']!.data[2])
  expect(values['base_model.model.model.layers.0.mlp.down_proj.lora_B.weight']!.shape).toEqual([8, 2])
  expect(JSON.parse(config)).toMatchObject({ r: 2, lora_alpha: 6, target_modules: ['down_proj', 'q_proj', 'v_proj'], peft_type: 'LORA' })
  expect(decodePeft(weights, sizes)).toEqual(learnt)
  expect(() => decodePeft(weights, { ...sizes, layers: 1 })).toThrow('OCK-LORA-004')
  expect(() => encodePeft(learnt, { ...sizes, positions: 'learned' }, options)).toThrow('OCK-LORA-003')
  const vars = { params: learnt, frozen: (await lora(base, options).init(hostKey(0), meta)).frozen, state: {} }
  expect(lora(base, options).files!(vars, meta)).toMatchObject({ 'adapter_model.safetensors': weights })
  expect(lora(mlp({ hidden: [3], activation: 'tanh', init: 'he' }), options).files!(vars, meta)).toEqual({})
})

it('PEFT: no files where they would leave out what else was learnt', async () => {
  for (const below of [prefix(base, { length: 2, scale: 0.1 }), lora(base, { ...options, targets: ['up'] })]) {
    const model = lora(below, options)
    expect(model.files!(await model.init(hostKey(0), meta), meta)).toEqual({})
  }
})

it('adapts layers beside those of another, and none twice', async () => {
  const inner = lora(base, { ...options, targets: ['up'] })
  const both = await lora(inner, { ...options, alpha: 1 }).init(hostKey(0), meta)
  const vars = {
    ...both,
    frozen: { ...both.frozen, ...shaken(Object.fromEntries(Object.entries(both.frozen).filter(([n]) => n.includes('.lora.')))) },
  }
  // The outer products are zero at first.
  expect(far(await logits(lora(inner, { ...options, alpha: 1 }), vars), await logits(inner, { ...vars, params: {} }))).toBe(0)
  await expect(async () => lora(lora(base, options), options).init(hostKey(0), meta)).rejects.toThrow(/OCK-LORA-005.*block0.attn.q/)
})

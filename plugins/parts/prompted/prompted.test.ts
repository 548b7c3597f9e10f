import { hostKey, type Dataset, type Key, type Value, type Variables } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { afterAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../services/engine/index.js'
import { onnxruntime } from '../../services/onnxruntime/index.js'
import { generate, gpt, presets, score, type Decoder } from '../gpt/index.js'
import { lora } from '../lora/index.js'
import { bind, mlp } from '../networks/index.js'
import { characters } from '../tokenizers/index.js'
import { prompted } from './index.js'

const engine = createEngine(await onnxruntime({ threads: 1 }))
afterAll(() => engine.dispose())

const meta: Dataset['meta'] = {
  task: 'language',
  classes: ['a', 'b', 'c', 'd', 'e'],
  splits: { train: 1 },
  shapes: { x: { shape: [4], dtype: 'int32' } },
  digest: '',
  licence: '',
}
const sized = { layers: 2, width: 8, heads: 4, keyValueHeads: 2, feedForward: 12, context: 16, vocabulary: 5 }
const bases = {
  rotary: gpt({ ...presets['smollm2-135m'], ...sized, dropout: 0 }),
  'learnt places': gpt({ ...presets.gpt2, ...sized, dropout: 0 }),
}
const options = { length: 3, start: 'tokens' } as const
const text = (...rows: number[][]): Value => ({ shape: [rows.length, rows[0]!.length], dtype: 'int32', data: Int32Array.from(rows.flat()) })
const x = text([0, 1, 2, 3], [4, 4, 1, 0])
const tokenizer = characters('abcde')

async function at(model: Decoder, vars: Variables<Value>, ids = x): Promise<Float32Array> {
  const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => ({ y: bind(model, a.vars, a.key, false)(a.x) }))
  const { y } = await program({ vars, x: ids, key: hostKey(3) })
  program.dispose()
  return y.data as Float32Array
}

const far = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]!)), 0)

/** Numbers of about size one in everything, so that nothing is lost in rounding. */
const louder = (group: Variables<Value>['params']): Variables<Value>['params'] =>
  Object.fromEntries(
    Object.entries(group).map(([name, v]) => [
      name,
      { ...v, data: v.data.map((w, i) => w + 0.3 * hostKey(5).fold(name).normal(v.shape).data[i]!) },
    ]),
  )

describe.each(Object.entries(bases))('prompted, %s', (_, base) => {
  const model = prompted(base, options)
  const start = async (): Promise<Variables<Value>> => {
    const { params, frozen, state } = await model.init(hostKey(0), meta)
    return { params: louder(params), frozen: louder(frozen), state }
  }

  it('starts as its base after drawn tokens', async () => {
    const vars = await model.init(hostKey(0), meta)
    expect(Object.keys(vars.params)).toEqual(['prompt.table'])
    const { data: tokens } = vars.frozen['tokens.table']!
    const row = (i: number): number[] => Array.from(vars.params['prompt.table']!.data.slice(8 * i, 8 * (i + 1)))
    const drawn = [0, 1, 2].map((i) => [0, 1, 2, 3, 4].find((id) => far(tokens.slice(8 * id, 8 * (id + 1)), row(i)) === 0)!)
    expect(new Set(drawn).size).toBeGreaterThan(1)
    const own = { params: vars.frozen, frozen: {}, state: {} }
    const after = await at(base, own, text([...drawn, 0, 1, 2, 3], [...drawn, 4, 4, 1, 0]))
    const found = await at(model, vars)
    expect(found.length).toBe(2 * 4 * 5)
    for (const r of [0, 1]) expect(far(found.slice(20 * r, 20 * (r + 1)), after.slice(35 * r + 15, 35 * (r + 1)))).toBeLessThan(1e-6)
    expect(far(found, await at(base, own))).toBeGreaterThan(1e-3)
  })

  it('has the gradient of central differences', async () => {
    const vars = await start()
    const slopes = (a: { vars: Variables; x: Tensor; key: Key }) => {
      const logits = (p: Variables['params']): Tensor => bind(model, { ...a.vars, params: p }, a.key, false)(a.x)
      const loss = (p: Variables['params']): Scalar => logits(p).sin().sum()
      return engine.valueAndGrad((p) => ({ value: loss(p), aux: null }), a.vars.params)
    }
    const program = engine.compile(slopes, { precision: 'float64' })
    const { grads } = await program({ vars, x, key: hostKey(3) })
    const table = vars.params['prompt.table']!
    const moved = async (i: number, by: number): Promise<number> => {
      const params = {
        'prompt.table': { ...table, dtype: 'float64' as const, data: Float64Array.from(table.data, (v, j) => (i === j ? v + by : v)) },
      }
      return (await program({ vars: { ...vars, params }, x, key: hostKey(3) })).value.data[0]!
    }
    const h = 1e-5
    for (let i = 0; i < table.data.length; i++) {
      const slope = ((await moved(i, h)) - (await moved(i, -h))) / (2 * h)
      expect(Math.abs(grads['prompt.table']!.data[i]! - slope)).toBeLessThan(1e-5 * Math.max(1, Math.abs(slope)))
    }
    expect(Math.max(...Array.from(grads['prompt.table']!.data, Math.abs))).toBeGreaterThan(0.05)
    program.dispose()
  })

  it('goes on token by token as if it read all at once, rows of their own lengths', async () => {
    const vars = await start()
    const rows = await generate(
      { model, vars, sizes: model.sizes(meta), engine },
      { prompts: [[0, 1], [3]], tokens: 6, tokenizer: { ...tokenizer, end: -1 } },
    )
    for (const [r, first] of [[0, 1], [3]].entries()) {
      const all = [...first]
      for (let i = 0; i < 6; i++) {
        const last = (await at(model, vars, text(all))).slice(-5)
        all.push(last.indexOf(Math.max(...last)))
      }
      expect(rows[r]!.tokens).toEqual(all.slice(first.length))
    }
  })

  it('scores the text alone, the prompt read in every window', async () => {
    const vars = await start()
    const served = { model, vars, sizes: model.sizes(meta), engine }
    const nll = async (ids: number[]): Promise<number[]> => {
      const logits = await at(model, vars, text(ids.slice(0, -1)))
      return ids.slice(1).map((y, i) => {
        const z = logits.slice(5 * i, 5 * (i + 1))
        return Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0)) - z[y]!
      })
    }
    const ids = Array.from({ length: 18 }, (_, i) => (i * i + i) % 5)
    expect(far(await score(served, Int32Array.from(ids.slice(0, 14))), await nll(ids.slice(0, 14)))).toBeLessThan(1e-4)
    // Windows of 13 tokens, for the prompt takes 3 of the 16 places: the second begins 6 before the end of the first.
    const found = await score(served, Int32Array.from(ids))
    expect(found.length).toBe(17)
    expect(far(found.slice(13), (await nll(ids.slice(7))).slice(6))).toBeLessThan(1e-4)
  })

  it('takes its places from the context', async () => {
    const vars = await start()
    const served = { model, vars, sizes: model.sizes(meta), engine }
    const go = (tokens: number) => generate(served, { prompts: [[1, 2]], tokens, tokenizer: { ...tokenizer, end: -1 } })
    expect((await go(12))[0]!.tokens.length).toBe(12)
    await expect(go(13)).rejects.toThrow(/OCK-GPT-002.*14 tokens; the model reads 13/)
    await expect(at(model, vars, text(Array.from({ length: 14 }, () => 0)))).rejects.toThrow('OCK-GPT-002')
  })
})

it('starts from numbers of a given size, and is of decoders that are not prompted', async () => {
  const base = bases.rotary
  const { params } = await prompted(base, { length: 16, start: 10 }).init(hostKey(0), meta)
  const { data } = params['prompt.table']!
  const deviation = Math.sqrt(Array.from(data).reduce((sum, v) => sum + v * v, 0) / data.length)
  expect(Math.abs(deviation / 10 - 1)).toBeLessThan(0.3)
  expect(() => prompted(mlp({ hidden: [3], activation: 'tanh', init: 'he' }), options)).toThrow('OCK-PROMPTED-001')
  await expect(async () => prompted(prompted(base, options), options).init(hostKey(0), meta)).rejects.toThrow('OCK-PROMPTED-002')
})

it('adapters over it learn beside it, and say nothing of PEFT, whose files have no prompt', async () => {
  const model = lora(prompted(bases.rotary, options), { targets: ['attn.q'], rank: 2, alpha: 4, dropout: 0 })
  const vars = await model.init(hostKey(0), meta)
  expect(vars.frozen['prompt.table']!.shape).toEqual([3, 8])
  const unadapted = { params: {}, frozen: vars.frozen, state: {} }
  expect(far(await at(model as Decoder, vars), await at(prompted(bases.rotary, options), unadapted))).toBe(0)
  expect(model.files!(vars, meta)).toEqual({})
})

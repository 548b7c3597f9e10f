import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostKey, type Call, type Dataset, type HostKey, type Tensors, type Value, type Variables } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { afterAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { onnxruntime } from '../../services/onnxruntime/index.js'
import { encodeGguf, field, type RawTensor } from '../gguf/testing.js'
import { encode } from '../safetensors/index.js'
import { emptyPast, gpt, openPublished, presets, reader, servePublished, type Decoder, type Sizes } from './index.js'
import { decoderInit, decoderShapes } from './init.js'
import { origins } from './names.js'
import { ggufSizes } from './testing.js'

const engine = createEngine(await interpreter())
const folder = mkdtempSync(join(tmpdir(), 'gpt-'))
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await engine.dispose()
})

const meta = (classes: number): Dataset['meta'] => ({
  task: 'language',
  classes: Array.from({ length: classes }, (_, i) => String(i)),
  splits: { train: 1 },
  shapes: { x: { shape: [6], dtype: 'int32' } },
  digest: '',
  licence: '',
})

const llama = { ...presets['smollm2-135m'], layers: 2, width: 16, heads: 4, keyValueHeads: 2, feedForward: 24, context: 12, vocabulary: 11 }
const gpt2 = { ...presets.gpt2, layers: 2, width: 16, heads: 4, keyValueHeads: 4, feedForward: 24, context: 12, vocabulary: 11 }
const families = { llama, gpt2 } as const

/** Variables that are nowhere zero or one, so that a misplaced one shows. */
const shaken = (key: HostKey, values: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(values).map(([name, v]) => {
      const noise = key.fold(name).normal(v.shape).data
      return [name, { ...v, data: Float32Array.from(v.data, (x, i) => x + 0.3 * noise[i]!) }]
    }),
  )

const variables = (s: Sizes): Variables<Value> => ({
  params: shaken(hostKey(2), decoderInit(hostKey(1), s)),
  frozen: {},
  state: {},
})

const options = (s: Sizes): Parameters<typeof gpt>[0] => ({ ...s, dropout: 0 })

const ids = (rows: readonly (readonly number[])[]): Value => ({
  shape: [rows.length, rows[0]!.length],
  dtype: 'int32',
  data: Int32Array.from(rows.flat()),
})

/** Logits, and the state that the call hands on. */
async function run(model: Decoder, vars: Variables<Value>, x: Value): Promise<{ logits: Value; state: Record<string, Value> }> {
  const program = engine.compile((a: { vars: Variables; x: Tensor }) => {
    const state: Record<string, Tensor> = {}
    const call: Call = {
      train: false,
      key: undefined as unknown as Call['key'],
      at: (_, h) => h,
      next: (name, v) => void (state[name] = v),
    }
    return { logits: model.apply(a.vars, a.x, call), state }
  })
  const result = await program({ vars, x })
  program.dispose()
  return result
}

const near = (a: Value, b: ArrayLike<number>, tolerance = 1e-4): void => {
  expect(a.data.length).toBe(b.length)
  for (let i = 0; i < b.length; i++) expect(Math.abs(a.data[i]! - b[i]!)).toBeLessThan(tolerance)
}

describe.each(Object.entries(families))('%s', (family, s) => {
  const model = gpt(options(s))
  const vars = variables(s)
  const tokens = [3, 1, 4, 1, 5, 9]

  it('looks back only', async () => {
    const { logits } = await run(model, vars, ids([tokens, [3, 1, 4, 10, 2, 0]]))
    expect(logits.shape).toEqual([2, 6, 11])
    const half = 6 * 11
    near({ ...logits, data: logits.data.slice(0, 33) }, logits.data.slice(half, half + 33), 1e-6)
    expect(logits.data[33]).not.toBeCloseTo(logits.data[half + 33]!, 3)
  })

  it('goes on from a past as if it read all at once, rows at places of their own', async () => {
    const whole = await run(model, vars, ids([tokens]))
    // Row 0 has read four tokens, row 1 two and two of padding.
    const first = await run(model, { ...vars, state: emptyPast(2, 8, s) }, ids([tokens.slice(0, 4), [3, 1, 0, 0]]))
    near({ ...first.logits, data: first.logits.data.slice(0, 44) }, whole.logits.data.slice(0, 44))
    let state: Record<string, Value> = { ...first.state, place: { shape: [2], dtype: 'int32', data: Int32Array.of(4, 2) } }
    for (const [step, next] of [
      [5, 4],
      [9, 1],
    ].entries()) {
      const { logits, state: after } = await run(model, { ...vars, state }, ids(next.map((t) => [t])))
      near({ ...logits, data: logits.data.slice(0, 11) }, whole.logits.data.slice((4 + step) * 11, (5 + step) * 11))
      near({ ...logits, data: logits.data.slice(11) }, whole.logits.data.slice((2 + step) * 11, (3 + step) * 11))
      state = { ...after, place: { shape: [2], dtype: 'int32', data: Int32Array.of(5 + step, 3 + step) } }
    }
  })

  it('announces its points and gives logits for every place', async () => {
    const seen: string[] = []
    const program = engine.compile((a: { vars: Variables; x: Tensor }) => {
      const call: Call = { train: false, key: undefined as unknown as Call['key'], at: (p, h) => (seen.push(p), h), next: () => undefined }
      return model.apply(a.vars, a.x, call)
    })
    expect((await program({ vars, x: ids([tokens, tokens]) })).shape).toEqual([2, 6, 11])
    for (const point of ['tokens.out', 'block0.norm1.in', 'block1.attn.q.out', 'block1.down.in', 'head.in', 'head.out'])
      expect(seen).toContain(point)
    program.dispose()
  })

  it('has the gradient of central differences, in float64', async () => {
    const precise = createEngine(await onnxruntime({ threads: 1 }))
    const call: Call = { train: true, key: undefined as unknown as Call['key'], at: (_, h) => h, next: () => undefined }
    const weighed = (p: Tensors, x: Tensor): Scalar => {
      const y = model.apply({ params: p, frozen: {}, state: {} }, x, call)
      return y
        .mul(
          tf
            .range(1, y.size + 1)
            .reshape(y.shape)
            .mul(0.37)
            .sin(),
        )
        .sum()
    }
    const double = Object.fromEntries(
      Object.entries(vars.params).map(([name, v]) => [name, { ...v, dtype: 'float64' as const, data: Float64Array.from(v.data) }]),
    )
    const x = ids([tokens])
    const value = precise.compile((a: { p: Tensors; x: Tensor }) => weighed(a.p, a.x), { precision: 'float64' })
    const gradient = precise.compile(
      (a: { p: Tensors; x: Tensor }) => precise.valueAndGrad((q) => ({ value: weighed(q, a.x), aux: {} }), a.p).grads,
      {
        precision: 'float64',
      },
    )
    const grads = await gradient({ p: double, x })
    const at = async (name: string, i: number, by: number): Promise<number> => {
      const moved = { ...double[name]!, data: double[name]!.data.slice() }
      moved.data[i]! += by
      return (await value({ p: { ...double, [name]: moved }, x })).data[0]!
    }
    for (const [name, g] of Object.entries(grads))
      for (const i of new Set([0, g.data.length >> 1, g.data.length - 1])) {
        const wanted = ((await at(name, i, 1e-5)) - (await at(name, i, -1e-5))) / 2e-5
        expect(Math.abs(g.data[i]! - wanted), `${name}[${i}]`).toBeLessThan(1e-7 * Math.max(1, Math.abs(wanted)))
      }
    await precise.dispose()
  })

  it('refuses what is longer than its context', async () => {
    await expect(run(model, vars, ids([Array.from({ length: 13 }, () => 0)]))).rejects.toThrow('OCK-GPT-002')
  })

  it.each(['safetensors', ...(family === 'llama' ? ['gguf'] : [])])('reads itself from %s', async (format) => {
    const path =
      family === 'llama' && format === 'gguf' ? ggufOf(vars.params, llama) : safetensorsOf(vars.params, s, family as 'llama' | 'gpt2')
    const read = gpt({ file: path, dropout: 0 })
    const { params } = await read.init(hostKey(0), meta(11))
    expect(Object.keys(params).sort()).toEqual(Object.keys(vars.params).sort())
    for (const [name, v] of Object.entries(vars.params)) expect(params[name], name).toEqual(v)
  })
})

it('served from its file, with kernels laid out anew, it says what the model says', async () => {
  const path = safetensorsOf(variables(llama).params, llama, 'llama')
  const served = await servePublished(path, engine)
  expect([...served.turned!].length).toBe(14)
  expect(served.vars.params['block1.down.kernel']!.shape).toEqual([16, 24])
  const reading = reader(served, 1, 6)
  const last = await reading.next([[3, 1, 4, 1, 5, 9]])
  reading.dispose()
  const { logits } = await run(gpt({ file: path, dropout: 0 }), variables(llama), ids([[3, 1, 4, 1, 5, 9]]))
  near({ shape: [11], dtype: 'float32', data: last }, logits.data.slice(55))
})

it.each([true, false])('keeps the rows of the tokens that a dataset uses, and their logits (head tied: %s)', async (tied) => {
  const s = { ...llama, tied }
  const whole = variables(s)
  const path = safetensorsOf(whole.params, s, 'llama')
  const kept = [1, 3, 4, 9]
  const text = { vocabulary: 4, tokenizer: { path: 'tokenizer.json', kept }, sizes: {} }
  const model = gpt({ file: path, dropout: 0 })
  const described = { ...meta(11), classes: undefined, text } as unknown as Dataset['meta']
  expect(model.sizes(described).vocabulary).toBe(4)
  const few = await model.init(hostKey(0), described)
  const all = await run(gpt({ file: path, dropout: 0 }), whole, ids([[3, 1, 4, 9]]))
  const { logits } = await run(model, few, ids([[1, 0, 2, 3]]))
  expect(logits.shape).toEqual([1, 4, 4])
  for (let t = 0; t < 4; t++) kept.forEach((id, i) => expect(logits.data[4 * t + i]).toBeCloseTo(all.logits.data[11 * t + id]!, 5))
  const beyond = { ...described, text: { ...text, tokenizer: { path: 'tokenizer.json', kept: [2, 11] } } }
  expect(() => model.sizes(beyond)).toThrow('OCK-GPT-006')
})

/** What the file calls a variable, laid out as the file has it. */
function published(params: Readonly<Record<string, Value>>, s: Sizes, naming: 'gguf' | 'llama' | 'gpt2'): Record<string, Value> {
  const out: Record<string, Value> = {}
  const at = (v: Value, i: number, j: number): number => v.data[i * v.shape[1]! + j]!
  for (const [name, { name: there, transpose, pairs, outputs }] of Object.entries(origins(naming, s))) {
    const v = params[name]!
    if (v.shape.length === 1 || !transpose) {
      const width = v.shape.at(-1)!
      const rows = v.data.length / width
      const old = out[there] ?? {
        shape: [...v.shape.slice(0, -1), outputs ? 3 * width : width],
        dtype: 'float32',
        data: new Float32Array(v.data.length * (outputs ? 3 : 1)),
      }
      const total = old.shape.at(-1)!
      for (let i = 0; i < rows; i++) for (let j = 0; j < width; j++) old.data[i * total + (outputs?.[0] ?? 0) + j] = v.data[i * width + j]!
      out[there] = old
      continue
    }
    const [a, b] = v.shape as [number, number]
    const d = b / (pairs ?? 1)
    // Row r of the file, for pairs: member r mod 2 of pair ⌊r/2⌋ of its head.
    const column = (r: number): number =>
      pairs === undefined ? r : Math.floor(r / d) * d + ((r % d) % 2) * (d / 2) + Math.floor((r % d) / 2)
    out[there] = {
      shape: [b, a],
      dtype: 'float32',
      data: Float32Array.from({ length: a * b }, (_, k) => at(v, k % a, column(Math.floor(k / a)))),
    }
  }
  return out
}

function ggufOf(params: Readonly<Record<string, Value>>, s: typeof llama): string {
  const tensors: RawTensor[] = Object.entries(published(params, s, 'gguf')).map(([name, { shape, data }]) => ({
    name,
    axes: [...shape].reverse(),
    type: 0,
    bytes: new Uint8Array(Float32Array.from(data).buffer),
  }))
  const path = join(folder, 'tiny.gguf')
  writeFileSync(path, encodeGguf(ggufSizes(s), tensors))
  return path
}

function safetensorsOf(params: Readonly<Record<string, Value>>, s: Sizes, family: 'llama' | 'gpt2'): string {
  const config =
    family === 'llama'
      ? {
          model_type: 'llama',
          num_hidden_layers: s.layers,
          hidden_size: s.width,
          num_attention_heads: s.heads,
          num_key_value_heads: s.keyValueHeads,
          intermediate_size: s.feedForward,
          max_position_embeddings: s.context,
          vocab_size: s.vocabulary,
          rope_theta: s.rotaryBase,
          rms_norm_eps: s.epsilon,
          tie_word_embeddings: s.tied,
        }
      : {
          model_type: 'gpt2',
          n_layer: s.layers,
          n_embd: s.width,
          n_head: s.heads,
          n_inner: s.feedForward,
          n_positions: s.context,
          vocab_size: s.vocabulary,
          layer_norm_epsilon: s.epsilon,
        }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'model.safetensors'), encode(published(params, s, family)))
  return folder
}

describe('sizes', () => {
  it('of presets are those of the papers', () => {
    const count = (s: Parameters<typeof decoderShapes>[0]): number =>
      Object.values(decoderShapes(s)).reduce((n, shape) => n + shape.reduce((a, b) => a * b, 1), 0)
    expect(count(presets.gpt2)).toBe(124_439_808)
    expect(count(presets['gpt2-medium'])).toBe(354_823_168)
    expect(count(presets['smollm2-135m'])).toBe(134_515_008)
    expect(count(presets['llama2-7b'])).toBe(6_738_415_616)
  })

  it('that do not fit are refused together', () => {
    const refused = (): unknown => gpt({ ...llama, heads: 5, keyValueHeads: 3, dropout: 0 })
    expect(refused).toThrow(/OCK-GPT-001 at model.heads.*[^]*OCK-GPT-001 at model.keyValueHeads/)
    expect(() => gpt({ ...options(llama) }).sizes(meta(12))).toThrow('OCK-GPT-006')
    expect(gpt({ dropout: 0 }).sizes(meta(12)).vocabulary).toBe(12)
  })

  it('of a configuration are those of older and newer files', () => {
    const path = join(safetensorsOf(variables(llama).params, llama, 'llama'), 'config.json')
    const plain = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    const { rope_theta: theta, ...rest } = plain
    const read = (more: object): Sizes => {
      writeFileSync(path, JSON.stringify({ ...rest, ...more }))
      const file = openPublished(folder)
      file.close()
      return file.sizes
    }
    expect(read({ rope_theta: theta })).toEqual(llama)
    expect(read({ rope_parameters: { rope_theta: theta, rope_type: 'default' }, head_dim: 4 })).toEqual(llama)
    expect(() => read({ rope_parameters: { rope_theta: theta, rope_type: 'yarn' } })).toThrow(/OCK-GPT-003.*rope_type/)
    expect(() => read({ rope_scaling: { type: 'linear', factor: 2 } })).toThrow(/OCK-GPT-003.*rope_scaling/)
    expect(() => read({ head_dim: 8 })).toThrow(/OCK-GPT-003.*head_dim/)
  })

  it('of files are checked', () => {
    expect(() => openPublished(join(folder, 'none.gguf'))).toThrow('OCK-GPT-003')
    const path = join(folder, 'other.gguf')
    writeFileSync(path, encodeGguf([field.text('general.architecture', 'bert')], []))
    expect(() => openPublished(path)).toThrow(/OCK-GPT-003.*"bert" is not read/)
    writeFileSync(path, encodeGguf([field.text('general.architecture', 'llama'), field.u32('llama.block_count', 0)], []))
    expect(() => openPublished(path)).toThrow(/llama.block_count[^]*llama.embedding_length[^]*token_embd/)
  })
})

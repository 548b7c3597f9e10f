import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostKey, InputError } from 'ockham'
import { afterAll, expect, it } from 'vitest'
import { encodeGguf, field } from '../gguf/testing.js'
import { encode } from '../safetensors/index.js'
import { gpt, openPublished, presets } from './index.js'
import { decoderInit } from './init.js'
import { origins } from './names.js'

const folder = mkdtempSync(join(tmpdir(), 'gpt-'))
afterAll(() => rmSync(folder, { recursive: true }))

const sizes = { ...presets['smollm2-135m'], layers: 1, width: 8, heads: 2, keyValueHeads: 1, feedForward: 8, context: 8, vocabulary: 6 }
const undescribed = { task: 'language', splits: {}, shapes: {}, digest: '', licence: '' }

/** The decoder's tensors under the names of a file, kernels turned; what is read is not compared here. */
const tensors = (naming: 'gguf' | 'llama') => {
  const params = decoderInit(hostKey(1), sizes)
  return Object.entries(origins(naming, sizes)).map(([name, { name: there, transpose }]) => {
    const { shape, data } = params[name]!
    return { name: there, shape: transpose ? [...shape].reverse() : shape, data: data as Float32Array }
  })
}

const gguf = encodeGguf(
  [
    field.text('general.architecture', 'llama'),
    field.u32('llama.block_count', sizes.layers),
    field.u32('llama.embedding_length', sizes.width),
    field.u32('llama.attention.head_count', sizes.heads),
    field.u32('llama.attention.head_count_kv', sizes.keyValueHeads),
    field.u32('llama.feed_forward_length', sizes.feedForward),
    field.u32('llama.context_length', sizes.context),
    field.f32('llama.rope.freq_base', sizes.rotaryBase),
    field.f32('llama.attention.layer_norm_rms_epsilon', sizes.epsilon),
    field.text('tokenizer.ggml.model', 'gpt2'),
    field.text('tokenizer.ggml.pre', 'smollm'),
    field.texts('tokenizer.ggml.tokens', ['a', 'b', 'ab', 'Ġ', '1', '<|end|>']),
    field.texts('tokenizer.ggml.merges', ['a b']),
    field.ints('tokenizer.ggml.token_type', [1, 1, 1, 1, 1, 3]),
  ],
  tensors('gguf').map(({ name, shape, data }) => ({ name, axes: [...shape].reverse(), type: 0, bytes: new Uint8Array(data.buffer) })),
)
const config = new TextEncoder().encode(
  JSON.stringify({
    model_type: 'llama',
    num_hidden_layers: sizes.layers,
    hidden_size: sizes.width,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.keyValueHeads,
    intermediate_size: sizes.feedForward,
    max_position_embeddings: sizes.context,
    vocab_size: sizes.vocabulary,
    rope_theta: sizes.rotaryBase,
    rms_norm_eps: sizes.epsilon,
    tie_word_embeddings: true,
  }),
)
const safetensors = encode(Object.fromEntries(tensors('llama').map(({ name, shape, data }) => [name, { shape, dtype: 'float32', data }])))

const cases = {
  'tiny.gguf': { bytes: gguf, model: join(folder, 'tiny.gguf') },
  'config.json': { bytes: config, model: folder },
  'model.safetensors': { bytes: safetensors, model: folder },
}

/** Mutations of each file; OCKHAM_FUZZ asks for more. */
const mutations = Number(process.env['OCKHAM_FUZZ'] ?? 300)

it.each(Object.entries(cases))('%s, mutated, is a decoder or a coded error', async (file, { bytes, model }) => {
  for (const [name, whole] of Object.entries(cases)) writeFileSync(join(folder, name), whole.bytes)
  await gpt({ file: model, dropout: 0 }).init(hostKey(0), undescribed)
  const draws = hostKey(2)
    .fold(file)
    .integers([mutations, 4], 2 ** 31).data
  let refused = 0
  for (let i = 0; i < mutations; i++) {
    const [kind, at, byte, where] = [draws[4 * i]! % 4, draws[4 * i + 1]!, draws[4 * i + 2]! & 255, draws[4 * i + 3]!]
    let given = Uint8Array.from(bytes)
    // Half of them where a file says what it holds.
    const place = (i % 2 === 0 ? at : at % 1500) % given.length
    if (kind === 0) given = given.subarray(0, place)
    else if (kind === 1) given.copyWithin(place, where % given.length, (where % given.length) + 16)
    else given[place] = byte
    writeFileSync(join(folder, file), given)
    try {
      await gpt({ file: model, dropout: 0 }).init(hostKey(0), undescribed)
      const opened = openPublished(model)
      try {
        if (file === 'tiny.gguf') opened.tokenizer()
      } finally {
        opened.close()
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(mutations / 10)
  expect(refused).toBeLessThan(mutations)
})

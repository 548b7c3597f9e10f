/* A decoder of 8 numbers a token as it would be published, for tests. */
import { hostKey } from 'ockham'
import { encodeGguf, field } from '../gguf/testing.js'
import { encode } from '../safetensors/index.js'
import { decoderInit } from './init.js'
import { origins } from './names.js'
import { presets, type Sizes } from './sizes.js'

const sizes = { ...presets['smollm2-135m'], layers: 1, width: 8, heads: 2, keyValueHeads: 1, feedForward: 8, context: 8, vocabulary: 6 }

/** The decoder's tensors under the names of a file, kernels turned; what is read is not compared here. */
const tensors = (naming: 'gguf' | 'llama') => {
  const params = decoderInit(hostKey(1), sizes)
  return Object.entries(origins(naming, sizes)).map(([name, { name: there, transpose }]) => {
    const { shape, data } = params[name]!
    return { name: there, shape: transpose ? [...shape].reverse() : shape, data: data as Float32Array }
  })
}

/** The fields of a GGUF file that say how large a decoder of the LLaMA family is. */
export const ggufSizes = (s: Sizes) => [
  field.text('general.architecture', 'llama'),
  field.u32('llama.block_count', s.layers),
  field.u32('llama.embedding_length', s.width),
  field.u32('llama.attention.head_count', s.heads),
  field.u32('llama.attention.head_count_kv', s.keyValueHeads),
  field.u32('llama.feed_forward_length', s.feedForward),
  field.u32('llama.context_length', s.context),
  field.f32('llama.rope.freq_base', s.rotaryBase),
  field.f32('llama.attention.layer_norm_rms_epsilon', s.epsilon),
]

/** A GGUF file of it, with a tokenizer of six tokens. */
export const gguf = encodeGguf(
  [
    ...ggufSizes(sizes),
    field.text('tokenizer.ggml.model', 'gpt2'),
    field.text('tokenizer.ggml.pre', 'smollm'),
    field.texts('tokenizer.ggml.tokens', ['a', 'b', 'ab', 'Ġ', '1', '<|end|>']),
    field.texts('tokenizer.ggml.merges', ['a b']),
    field.ints('tokenizer.ggml.token_type', [1, 1, 1, 1, 1, 3]),
  ],
  tensors('gguf').map(({ name, shape, data }) => ({ name, axes: [...shape].reverse(), type: 0, bytes: new Uint8Array(data.buffer) })),
)
/** The same decoder's `config.json`, beside {@link safetensors}. */
export const config = new TextEncoder().encode(
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
export const safetensors = encode(
  Object.fromEntries(tensors('llama').map(({ name, shape, data }) => [name, { shape, dtype: 'float32', data }])),
)

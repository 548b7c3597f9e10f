import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError, type Fault } from 'ockham'
import { z } from 'zod'
import type { GgufFile } from '../gguf/index.js'
import { checkSizes, sizesSchema, type Sizes } from './sizes.js'

/** A fault of a published file. */
export const fault = (code: number, what: string, where: string, remedy: string): Fault => ({
  code: `OCK-GPT-${String(code).padStart(3, '0')}`,
  what,
  where,
  remedy,
})

/** Checks sizes that a file gives; every one that is missing or wrong. `OCK-GPT-003` */
function sized(plain: Readonly<Record<string, unknown>>, keys: Readonly<Record<string, string>>, where: string): Sizes {
  const read = sizesSchema.safeParse(plain)
  if (read.success) return checkSizes(read.data, where)
  throw new InputError(
    read.error.issues.map((i) =>
      fault(
        3,
        i.message,
        `${where}: ${keys[String(i.path[0])] ?? String(i.path[0])}`,
        'the file is damaged, or of an architecture that is not read',
      ),
    ),
  )
}

const architectures = ['llama', 'gpt2']

/** Sizes that the fields of a GGUF file give. `OCK-GPT-003` */
export function ggufSizes({ metadata, tensors }: GgufFile, path: string): Sizes {
  const architecture = metadata.get('general.architecture')
  if (typeof architecture !== 'string' || !architectures.includes(architecture))
    throw new InputError(
      fault(
        3,
        `architecture ${JSON.stringify(architecture)} is not read`,
        `${path}: general.architecture`,
        `read are ${architectures.join(' and ')}`,
      ),
    )
  const keys = {
    layers: `${architecture}.block_count`,
    width: `${architecture}.embedding_length`,
    heads: `${architecture}.attention.head_count`,
    keyValueHeads: `${architecture}.attention.head_count_kv`,
    feedForward: `${architecture}.feed_forward_length`,
    context: `${architecture}.context_length`,
    rotaryBase: `${architecture}.rope.freq_base`,
    epsilon: `${architecture}.attention.layer_norm_${architecture === 'gpt2' ? 'epsilon' : 'rms_epsilon'}`,
  }
  const given = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, metadata.get(key)]))
  const family = architecture === 'gpt2' ? gpt2Family : llamaFamily
  return sized(
    {
      ...family,
      ...given,
      keyValueHeads: given['keyValueHeads'] ?? given['heads'],
      rotaryBase: given['rotaryBase'] ?? 10_000,
      vocabulary: tensors.get('token_embd.weight')?.shape[0],
      tied: !tensors.has('output.weight'),
      bias: tensors.has('blk.0.attn_q.bias') || architecture === 'gpt2',
    },
    { ...keys, vocabulary: 'tensor token_embd.weight' },
    path,
  )
}

const llamaFamily = { positions: 'rotary', norm: 'rms', activation: 'swiglu' } as const
const gpt2Family = { positions: 'learned', norm: 'layer', activation: 'gelu' } as const

/** What is read of a Hugging Face `config.json`. */
const configJson = z.discriminatedUnion('model_type', [
  z.looseObject({
    model_type: z.literal('llama'),
    num_hidden_layers: z.number(),
    hidden_size: z.number(),
    num_attention_heads: z.number(),
    num_key_value_heads: z.number().optional(),
    intermediate_size: z.number(),
    max_position_embeddings: z.number(),
    vocab_size: z.number(),
    rope_theta: z.number().optional(),
    // Rotations that are scaled for longer texts are another function.
    rope_scaling: z.null().optional(),
    // What newer files have in place of the two.
    rope_parameters: z.looseObject({ rope_theta: z.number().optional(), rope_type: z.literal('default').optional() }).optional(),
    head_dim: z.number().nullish(),
    rms_norm_eps: z.number(),
    attention_bias: z.literal(false).optional(),
    mlp_bias: z.literal(false).optional(),
    hidden_act: z.literal('silu').optional(),
    tie_word_embeddings: z.boolean().optional(),
  }),
  z.looseObject({
    model_type: z.literal('gpt2'),
    n_layer: z.number(),
    n_embd: z.number(),
    n_head: z.number(),
    n_inner: z.number().nullish(),
    n_positions: z.number(),
    vocab_size: z.number(),
    layer_norm_epsilon: z.number(),
    activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).optional(),
  }),
])

/** Sizes that the `config.json` of a folder gives. `OCK-GPT-003` */
export function configSizes(folder: string): Sizes {
  const path = join(folder, 'config.json')
  let plain: unknown
  try {
    plain = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new InputError(fault(3, 'the configuration cannot be read', path, 'put the model’s config.json beside its safetensors'), {
      cause,
    })
  }
  const read = configJson.safeParse(plain)
  if (!read.success)
    throw new InputError(
      read.error.issues.map((i) => fault(3, i.message, `${path}: ${i.path.join('.')}`, 'models of type llama and gpt2 are read')),
    )
  const c = read.data
  const common = { vocabulary: c.vocab_size }
  if (c.model_type === 'gpt2')
    return sized(
      {
        ...common,
        ...gpt2Family,
        layers: c.n_layer,
        width: c.n_embd,
        heads: c.n_head,
        keyValueHeads: c.n_head,
        feedForward: c.n_inner ?? 4 * c.n_embd,
        context: c.n_positions,
        rotaryBase: 10_000,
        epsilon: c.layer_norm_epsilon,
        bias: true,
        tied: true,
      },
      {},
      path,
    )
  if (c.head_dim != null && c.head_dim * c.num_attention_heads !== c.hidden_size)
    throw new InputError(
      fault(
        3,
        `heads of ${c.head_dim} do not make up a width of ${c.hidden_size}`,
        `${path}: head_dim`,
        'heads of another width are not read',
      ),
    )
  return sized(
    {
      ...common,
      ...llamaFamily,
      layers: c.num_hidden_layers,
      width: c.hidden_size,
      heads: c.num_attention_heads,
      keyValueHeads: c.num_key_value_heads ?? c.num_attention_heads,
      feedForward: c.intermediate_size,
      context: c.max_position_embeddings,
      rotaryBase: c.rope_theta ?? c.rope_parameters?.rope_theta ?? 10_000,
      epsilon: c.rms_norm_eps,
      bias: false,
      tied: c.tie_word_embeddings ?? false,
    },
    {},
    path,
  )
}

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { InputError, type Fault, type Value } from 'ockham'
import { z } from 'zod'
import { openGguf, type GgufFile } from '../gguf/index.js'
import { fileSource, openSafetensors, type ByteSource, type SafetensorsFile } from '../safetensors/index.js'
import { fromGguf, openTokenizer, type Tokenizer } from '../tokenizers/index.js'
import type { Naming } from './names.js'
import { checkSizes, sizesSchema, type Sizes } from './sizes.js'

/** A decoder as it was published: sizes, tensors by their names in the file, and its tokenizer where one is there. */
export interface Published {
  readonly naming: Naming
  readonly sizes: Sizes
  readonly shapes: ReadonlyMap<string, readonly number[]>
  load(name: string): Value
  /** Reads the tokenizer. Throws `OCK-TOKENS-007` where there is none. */
  tokenizer(): Tokenizer
  /** SHA-256 of the files with tensors, hexadecimal. */
  digest(): string
  close(): void
}

/** SHA-256 of files one after another, read in pieces. */
function digestOf(paths: readonly string[]): string {
  const hash = createHash('sha256')
  const piece = 1 << 22
  for (const path of paths) {
    const source = fileSource(path)
    try {
      for (let at = 0; at < source.size; at += piece) hash.update(source.read(at, Math.min(piece, source.size - at)))
    } finally {
      source.close()
    }
  }
  return hash.digest('hex')
}

const fault = (code: number, what: string, where: string, remedy: string): Fault => ({
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

function ofGguf(path: string): Published {
  const source = fileSource(path)
  try {
    const file = openGguf(source)
    const sizes = ggufSizes(file, path)
    return {
      naming: 'gguf',
      sizes,
      shapes: new Map([...file.tensors.values()].map((t) => [t.name, t.shape])),
      load: (name) => file.load(name),
      tokenizer: () => fromGguf(file),
      digest: () => digestOf([path]),
      close: () => source.close(),
    }
  } catch (error) {
    source.close()
    throw error
  }
}

const architectures = ['llama', 'gpt2']

function ggufSizes({ metadata, tensors }: GgufFile, path: string): Sizes {
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

function configSizes(folder: string): Sizes {
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
      rotaryBase: c.rope_theta ?? 10_000,
      epsilon: c.rms_norm_eps,
      bias: false,
      tied: c.tie_word_embeddings ?? false,
    },
    {},
    path,
  )
}

const indexJson = z.looseObject({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+$/, 'a shard lies beside its index')) })

/** The safetensors files of a model: one, or the shards that an index names. */
function shards(path: string): string[] {
  if (!path.endsWith('.json')) return [path]
  try {
    const { weight_map: map } = indexJson.parse(JSON.parse(readFileSync(path, 'utf8')))
    return [...new Set(Object.values(map))].map((name) => join(dirname(path), name))
  } catch (cause) {
    throw new InputError(fault(3, 'the index of shards cannot be read', path, 'get it again'), { cause })
  }
}

function ofSafetensors(path: string): Published {
  const folder = dirname(path)
  const sizes = configSizes(folder)
  const sources: ByteSource[] = []
  const where = new Map<string, SafetensorsFile>()
  const shapes = new Map<string, readonly number[]>()
  // Some files put the model's own name before every tensor.
  const bare = (name: string): string => (sizes.positions === 'learned' ? name.replace(/^transformer\./, '') : name)
  try {
    for (const shard of shards(path)) {
      const source = fileSource(shard)
      sources.push(source)
      const file = openSafetensors(source)
      for (const [name, shape] of file.shapes) {
        where.set(bare(name), { ...file, load: () => file.load(name) })
        shapes.set(bare(name), shape)
      }
    }
  } catch (error) {
    for (const source of sources) source.close()
    throw error
  }
  return {
    naming: sizes.positions === 'learned' ? 'gpt2' : 'llama',
    sizes,
    shapes,
    load: (name) => where.get(name)!.load(name),
    tokenizer: () => openTokenizer(folder),
    digest: () => digestOf(shards(path)),
    close: () => sources.forEach((source) => source.close()),
  }
}

const inFolder = ['model.safetensors', 'model.safetensors.index.json']

/**
 * Opens a published decoder: a GGUF file; a safetensors file, or the index of its shards, with `config.json` beside it; or a folder with one.
 * Tensors are read one at a time. Throws InputError: `OCK-GPT-003` for files that are missing, damaged or of another architecture, and those of
 * `parts/gguf` and `parts/safetensors`.
 */
export function openPublished(path: string): Published {
  if (!existsSync(path)) throw new InputError(fault(3, 'the file does not exist', path, 'check the path'))
  if (statSync(path).isDirectory()) {
    const found = inFolder.map((name) => join(path, name)).find((p) => existsSync(p))
    if (!found) throw new InputError(fault(3, 'the folder holds no model', path, `put ${inFolder.join(' or ')} there, or name a GGUF file`))
    return ofSafetensors(found)
  }
  return /\.(safetensors|json)$/.test(path) ? ofSafetensors(path) : ofGguf(path)
}

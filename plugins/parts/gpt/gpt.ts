import { InputError, type DatasetMeta, type Model } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { markPublished } from '../networks/index.js'
import { keptTokens } from '../tokenizers/index.js'
import { pastOf } from './attend.js'
import { decoded, headed, type DecoderOptions } from './decoder.js'
import { decoderInit, decoderShapes } from './init.js'
import { openPublished } from './published.js'
import { checkSizes, presets, sizesSchema, type Preset, type Sizes } from './sizes.js'
import { keptRows, publishedWeights } from './weights.js'

const names = Object.keys(presets) as [Preset, ...Preset[]]

export const gptOptions = z.strictObject({
  file: z.string().optional().describe('published weights: a GGUF file, safetensors with config.json beside them, or a folder of these'),
  preset: z.enum(names).optional().describe('sizes by name; single ones may be given beside it'),
  ...sizesSchema.partial().shape,
  dropout: z
    .number()
    .min(0)
    .max(0.99)
    .default(0)
    .describe('share dropped after the embedding and after each half of a block, while training'),
})

export type GptOptions = z.output<typeof gptOptions>

/** A small decoder of the GPT-2 kind: what is meant where nothing is said. */
const small = { ...presets.gpt2, layers: 4, width: 256, heads: 4, context: 128, bias: false } as const

/** The sizes that options say, before the dataset is known. Throws `OCK-GPT-001`. */
function chosen({ file, preset, dropout: _, ...given }: GptOptions): Partial<Sizes> & Omit<Sizes, 'vocabulary'> {
  const said = Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined)) as Partial<Sizes>
  if (file !== undefined) {
    const published = openPublished(file)
    published.close()
    return { ...published.sizes, ...said }
  }
  if (preset !== undefined) return { ...presets[preset], ...said }
  const width = said.width ?? small.width
  const heads = said.heads ?? small.heads
  const { vocabulary: _v, ...rest } = small
  return { ...rest, width, heads, keyValueHeads: heads, feedForward: 4 * width, ...said }
}

/** Tokens that a dataset of text has. */
function vocabularyOf(meta: DatasetMeta): number | undefined {
  return meta.text?.vocabulary ?? meta.classes?.length
}

/** A decoder, and what generation needs of it beside a model. */
export interface Decoder extends Model {
  /** Sizes, once the dataset's number of tokens is known. Throws `OCK-GPT-006` where nothing says it, or both do and differ. */
  sizes(meta: DatasetMeta): DecoderOptions
}

/** Whether a model is a decoder, or an adapted one. */
export const isDecoder = (model: object): model is Decoder => typeof (model as Partial<Decoder>).sizes === 'function'

/**
 * Decoder of the GPT-2 or LLaMA family: ids int32 [n, t] → logits of the next token [n, t, V]. See {@link decoded}.
 * Variables that hold a past (`emptyPast`) make it go on from there.
 */
export function gpt(options: GptOptions): Decoder {
  const known = chosen(options)
  checkSizes({ vocabulary: 1, ...known })
  let settled = known.vocabulary
  const keptOf = (meta: DatasetMeta): readonly number[] | undefined => {
    const kept = options.file === undefined ? undefined : keptTokens(meta.text?.tokenizer)
    if (!kept || kept.at(-1)! < known.vocabulary!) return kept
    throw new InputError({
      code: 'OCK-GPT-006',
      what: `the dataset keeps token ${kept.at(-1)}, the model has ${known.vocabulary}`,
      where: 'model.vocabulary',
      remedy: 'use the model’s own tokenizer in the dataset',
    })
  }
  const sizes = (meta: DatasetMeta): DecoderOptions => {
    const counted = vocabularyOf(meta)
    if (known.vocabulary === undefined && counted === undefined)
      throw new InputError({
        code: 'OCK-GPT-006',
        what: 'the number of tokens is unknown',
        where: 'model.vocabulary',
        remedy: 'give it, or train on a dataset of text',
      })
    if (known.vocabulary !== undefined && counted !== undefined && counted > known.vocabulary)
      throw new InputError({
        code: 'OCK-GPT-006',
        what: `the dataset has ${counted} tokens, the model ${known.vocabulary}`,
        where: 'model.vocabulary',
        remedy: 'use the model’s own tokenizer in the dataset, or leave the vocabulary out',
      })
    // Of published weights, a pruned vocabulary keeps its rows; any other decoder has as many tokens as are there.
    settled = keptOf(meta)?.length ?? known.vocabulary ?? counted!
    return { ...known, vocabulary: settled, dropout: options.dropout }
  }
  return {
    sizes,
    init(key, meta) {
      const s = sizes(meta)
      if (options.file === undefined) return { params: decoderInit(key, s), frozen: {}, state: {} }
      const file = openPublished(options.file)
      try {
        const kept = keptOf(meta)
        const params = publishedWeights(file, decoderShapes({ ...s, vocabulary: known.vocabulary! }))
        markPublished(params, { path: options.file, digest: file.digest })
        return { params: kept ? keptRows(params, kept) : params, frozen: {}, state: {} }
      } finally {
        file.close()
      }
    },
    apply(vars, x, call) {
      const ids = x as Tensor
      const table = vars.params['tokens.table'] ?? vars.frozen['tokens.table']
      const s: DecoderOptions = { ...known, vocabulary: table!.shape[0], dropout: options.dropout }
      return headed(vars, decoded(vars, ids, call, s, pastOf(vars, ids.shape[1]!)), call, s)
    },
  }
}

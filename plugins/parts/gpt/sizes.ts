import { InputError, Problems } from 'ockham'
import { z } from 'zod'

const positive = z.int().positive()

/** What a decoder is, all of it. */
export const sizesSchema = z.strictObject({
  layers: positive.describe('blocks'),
  width: positive.describe('numbers a token carries from block to block'),
  heads: positive.describe('heads of attention'),
  keyValueHeads: positive.describe('heads of keys and values; fewer than `heads` is grouped-query attention'),
  feedForward: positive.describe('units of a block’s hidden layer'),
  context: positive.describe('longest sequence'),
  vocabulary: positive.describe('number of tokens'),
  positions: z.enum(['learned', 'rotary']).describe('a learnt table, or rotations of queries and keys'),
  rotaryBase: z.number().positive().describe('base of the rotations’ frequencies'),
  norm: z.enum(['layer', 'rms']).describe('normalisation before each half of a block'),
  epsilon: z.number().positive().describe('ε of the normalisation'),
  activation: z.enum(['gelu', 'swiglu']).describe('of the hidden layer: GELU in its tanh form, or a gated SiLU'),
  bias: z.boolean().describe('biases in the products'),
  tied: z.boolean().describe('the head is the token table'),
})

export type Sizes = z.output<typeof sizesSchema>

/** GPT-2, Radford et al. 2019. */
const gpt2 = (layers: number, heads: number): Sizes => ({
  layers,
  width: 64 * heads,
  heads,
  keyValueHeads: heads,
  feedForward: 256 * heads,
  context: 1024,
  vocabulary: 50257,
  positions: 'learned',
  rotaryBase: 10_000,
  norm: 'layer',
  epsilon: 1e-5,
  activation: 'gelu',
  bias: true,
  tied: true,
})

/** LLaMA, Touvron et al. 2023: what its descendants share. */
const llama = { positions: 'rotary', norm: 'rms', activation: 'swiglu', bias: false } as const

/** Decoders by name, as their authors published them. */
export const presets = {
  gpt2: gpt2(12, 12),
  'gpt2-medium': gpt2(24, 16),
  'gpt2-large': gpt2(36, 20),
  'gpt2-xl': gpt2(48, 25),
  'smollm2-135m': {
    ...llama,
    layers: 30,
    width: 576,
    heads: 9,
    keyValueHeads: 3,
    feedForward: 1536,
    context: 8192,
    vocabulary: 49152,
    rotaryBase: 100_000,
    epsilon: 1e-5,
    tied: true,
  },
  'llama2-7b': {
    ...llama,
    layers: 32,
    width: 4096,
    heads: 32,
    keyValueHeads: 32,
    feedForward: 11008,
    context: 4096,
    vocabulary: 32000,
    rotaryBase: 10_000,
    epsilon: 1e-5,
    tied: false,
  },
} as const satisfies Record<string, Sizes>

export type Preset = keyof typeof presets

/** Sizes that do not fit one another: `OCK-GPT-001`, all at once. */
export function checkSizes(sizes: Sizes, where = 'model'): Sizes {
  const problems = new Problems()
  const refuse = (what: string, at: string, remedy: string): void =>
    problems.add({ code: 'OCK-GPT-001', what, where: `${where}.${at}`, remedy })
  if (sizes.width % sizes.heads !== 0)
    refuse(`${sizes.heads} heads do not divide a width of ${sizes.width}`, 'heads', 'choose a divisor of the width')
  else if (sizes.positions === 'rotary' && (sizes.width / sizes.heads) % 2 !== 0)
    refuse(`rotations need heads of even width, not ${sizes.width / sizes.heads}`, 'heads', 'choose another number of heads')
  if (sizes.heads % sizes.keyValueHeads !== 0)
    refuse(`${sizes.keyValueHeads} heads of keys do not divide ${sizes.heads} heads`, 'keyValueHeads', 'choose a divisor of heads')
  problems.check()
  return sizes
}

/** Tokens that the model has no row for: `OCK-GPT-006`, with the first. */
export function checkTokens(ids: ArrayLike<number>, { vocabulary }: Sizes, where: string): void {
  const strange = Array.from(ids).find((id) => !(id >= 0 && id < vocabulary))
  if (strange !== undefined)
    throw new InputError({
      code: 'OCK-GPT-006',
      what: `token ${strange}; the model has ${vocabulary}`,
      where,
      remedy: 'use the model’s own tokenizer',
    })
}

/** Sequences longer than the context: `OCK-GPT-002`. */
export function checkLength(length: number, { context }: Sizes): void {
  if (length > context)
    throw new InputError({
      code: 'OCK-GPT-002',
      what: `a sequence of ${length} tokens; the model reads ${context}`,
      where: 'model.context',
      remedy: 'shorten the sequences, or choose a model with a longer context',
    })
}

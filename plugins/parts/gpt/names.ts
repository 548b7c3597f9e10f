import type { Sizes } from './sizes.js'
import { blockKernels, norms } from './init.js'

/** Where a variable comes from in a published file, and how its numbers lie there. */
export interface Origin {
  readonly name: string
  /** The file has [out, in] where a kernel here is [in, out]. */
  readonly transpose?: true
  /** Rows of q or k are in the order of neighbouring pairs, for so many heads; here in that of halves. */
  readonly pairs?: number
  /** Outputs `from` to `to` of three layers that the file holds as one. */
  readonly outputs?: readonly [from: number, to: number]
}

/** The kinds of naming that are read. */
export type Naming = 'gguf' | 'llama' | 'gpt2'

/** Outputs of q (0), k (1) or v (2) in GPT-2's joint layer. */
const third = (part: number, { width }: Sizes): readonly [number, number] => [part * width, (part + 1) * width]

const gguf = (s: Sizes): Record<string, Origin> => {
  const layers: Record<string, Origin> = {}
  const names = {
    'attn.q': 'attn_q',
    'attn.k': 'attn_k',
    'attn.v': 'attn_v',
    'attn.o': 'attn_output',
    up: 'ffn_up',
    gate: 'ffn_gate',
    down: 'ffn_down',
  }
  for (let i = 0; i < s.layers; i++) {
    for (const [here, there] of Object.entries(names)) {
      const pairs = here === 'attn.q' ? s.heads : here === 'attn.k' ? s.keyValueHeads : undefined
      layers[`block${i}.${here}`] = { name: `blk.${i}.${there}`, ...(pairs && s.positions === 'rotary' && { pairs }) }
    }
    if (s.positions === 'learned')
      for (const [column, part] of ['q', 'k', 'v'].entries())
        layers[`block${i}.attn.${part}`] = { name: `blk.${i}.attn_qkv`, outputs: third(column, s) }
    layers[`block${i}.norm1`] = { name: `blk.${i}.attn_norm` }
    layers[`block${i}.norm2`] = { name: `blk.${i}.ffn_norm` }
  }
  return {
    ...layers,
    tokens: { name: 'token_embd' },
    places: { name: 'position_embd' },
    norm: { name: 'output_norm' },
    head: { name: 'output' },
  }
}

const llama = (s: Sizes): Record<string, Origin> => {
  const layers: Record<string, Origin> = {}
  const names = {
    'attn.q': 'self_attn.q_proj',
    'attn.k': 'self_attn.k_proj',
    'attn.v': 'self_attn.v_proj',
    'attn.o': 'self_attn.o_proj',
    up: 'mlp.up_proj',
    gate: 'mlp.gate_proj',
    down: 'mlp.down_proj',
    norm1: 'input_layernorm',
    norm2: 'post_attention_layernorm',
  }
  for (let i = 0; i < s.layers; i++)
    for (const [here, there] of Object.entries(names)) layers[`block${i}.${here}`] = { name: `model.layers.${i}.${there}` }
  return { ...layers, tokens: { name: 'model.embed_tokens' }, norm: { name: 'model.norm' }, head: { name: 'lm_head' } }
}

const gpt2 = (s: Sizes): Record<string, Origin> => {
  const layers: Record<string, Origin> = {}
  for (let i = 0; i < s.layers; i++) {
    for (const [column, part] of ['q', 'k', 'v'].entries())
      layers[`block${i}.attn.${part}`] = { name: `h.${i}.attn.c_attn`, outputs: third(column, s) }
    layers[`block${i}.attn.o`] = { name: `h.${i}.attn.c_proj` }
    layers[`block${i}.up`] = { name: `h.${i}.mlp.c_fc` }
    layers[`block${i}.down`] = { name: `h.${i}.mlp.c_proj` }
    layers[`block${i}.norm1`] = { name: `h.${i}.ln_1` }
    layers[`block${i}.norm2`] = { name: `h.${i}.ln_2` }
  }
  return { ...layers, tokens: { name: 'wte' }, places: { name: 'wpe' }, norm: { name: 'ln_f' }, head: { name: 'lm_head' } }
}

const schemes = { gguf, llama, gpt2 }

/** For each variable of a decoder, where it is in a file of this naming. GPT-2's own kernels are [in, out]; the others' are transposed. */
export function origins(naming: Naming, s: Sizes): Record<string, Origin> {
  const layers = schemes[naming](s)
  const found: Record<string, Origin> = { 'tokens.table': { name: `${layers['tokens']!.name}.weight` } }
  if (s.positions === 'learned') found['places.table'] = { name: `${layers['places']!.name}.weight` }
  const kernels = Array.from({ length: s.layers }, (_, i) => Object.keys(blockKernels(i, s))).flat()
  for (const layer of s.tied ? kernels : [...kernels, 'head']) {
    const { name, ...rest } = layers[layer]!
    // GPT-2's head is a plain linear layer, [out, in], unlike the rest of it.
    const transpose = naming !== 'gpt2' || layer === 'head'
    found[`${layer}.kernel`] = { name: `${name}.weight`, ...rest, ...(transpose && { transpose }) }
    if (s.bias && layer !== 'head') found[`${layer}.bias`] = { name: `${name}.bias`, ...rest }
  }
  for (const layer of norms(s)) {
    found[`${layer}.scale`] = { name: `${layers[layer]!.name}.weight` }
    if (s.norm === 'layer') found[`${layer}.shift`] = { name: `${layers[layer]!.name}.bias` }
  }
  return found
}

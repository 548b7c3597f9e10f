import { InputError, type HostKey, type Model, type Value } from 'ockham'
import { isDecoder, type Decoder, type Sizes } from '../gpt/index.js'

export interface PrefixOptions {
  /** Keys and values of each block that every token sees. */
  readonly length: number
  /** Standard deviation of the first keys and values. */
  readonly scale: number
}

/** `<block>.attn.prefix.keys` and `.values`, [key-value heads, length, d], normal. */
function prefixInit(key: HostKey, s: Sizes, { length, scale }: PrefixOptions): Record<string, Value> {
  const shape = [s.keyValueHeads, length, s.width / s.heads]
  const names = Array.from({ length: s.layers }, (_, i) => ['keys', 'values'].map((part) => `block${i}.attn.prefix.${part}`)).flat()
  const drawn = (name: string): Value => ({
    shape,
    dtype: 'float32',
    data: Float32Array.from(key.fold(name).normal(shape).data, (z) => scale * z),
  })
  return Object.fromEntries(names.map((name) => [name, drawn(name)]))
}

/**
 * Prefix tuning, Li and Liang 2021, equation 3: in every block all tokens attend to learnt keys and values as well as to those before them. The
 * keys and values are learnt as such, without the network by which the paper makes them while training; they stand at no place, so they are not
 * rotated, take nothing from the context, and no past holds them. Everything of the base is frozen. Throws `OCK-PREFIX-001` for a base that is no decoder.
 */
export function prefix(base: Model, options: PrefixOptions): Decoder {
  if (!isDecoder(base))
    throw new InputError({
      code: 'OCK-PREFIX-001',
      what: 'the model has no keys and values to put others before',
      where: 'model.of',
      remedy: 'choose gpt, or adapt another model with lora',
    })
  return {
    sizes: (meta) => base.sizes(meta),
    async init(key, meta) {
      const { params, frozen, state } = await base.init(key.fold('base'), meta)
      return { params: prefixInit(key.fold('prefix'), base.sizes(meta), options), frozen: { ...frozen, ...params }, state }
    },
    apply: (vars, x, call) => base.apply(vars, x, call),
  }
}

import { InputError, type Value } from 'ockham'
import { origins, type Sizes } from '../gpt/index.js'
import { decode, encode } from '../safetensors/index.js'
import type { LoraOptions } from './lora.js'

/** The two files of an adapter as the Python package PEFT has them. */
export interface PeftAdapter {
  /** `adapter_model.safetensors`, see {@link peftFiles}. */
  readonly weights: Uint8Array
  /** `adapter_config.json` */
  readonly config: string
}

/** Names by which PEFT looks for them. */
export const peftFiles = { weights: 'adapter_model.safetensors', config: 'adapter_config.json' } as const

const lead = 'base_model.model.'

/** Names of LLaMA's layers in Hugging Face files, by ours; a decoder with learnt places is GPT-2, whose q, k and v are one layer there. */
function layerNames(sizes: Sizes): Readonly<Record<string, string>> {
  if (sizes.positions === 'learned')
    throw new InputError({
      code: 'OCK-LORA-003',
      what: 'adapters of GPT-2’s q, k and v have no counterpart in PEFT, where the three are one layer',
      where: 'model',
      remedy: 'merge the adapters, or keep them in the run',
    })
  const kernels = Object.entries(origins('llama', sizes)).filter(([name]) => name.endsWith('.kernel'))
  const names = kernels.map(([name, { name: there }]) => [name.slice(0, -'.kernel'.length), there.replace(/\.weight$/, '')] as const)
  return Object.fromEntries([...names, ['head', 'lm_head']])
}

/** Whether a decoder is one whose layers PEFT knows by LLaMA's names. */
export const isLlama = ({ positions, norm, activation, bias }: Sizes): boolean =>
  positions === 'rotary' && norm === 'rms' && activation === 'swiglu' && !bias

const turned = ({ shape: [a, b], data }: Value): Value => ({
  shape: [b!, a!],
  dtype: 'float32',
  data: Float32Array.from({ length: data.length }, (_, k) => data[(k % a!) * b! + Math.floor(k / a!)]!),
})

/** Adapters of a LLaMA-like decoder as PEFT's files: A [r, in] and B [out, r]. `OCK-LORA-003` for decoders that PEFT names otherwise. */
export function encodePeft(
  params: Readonly<Record<string, Value>>,
  sizes: Sizes,
  { rank, alpha, dropout }: LoraOptions,
  base = '',
): PeftAdapter {
  const names = layerNames(sizes)
  const values: Record<string, Value> = {}
  const modules = new Set<string>()
  for (const [name, v] of Object.entries(params)) {
    const [, layer, which] = /^(.*)\.lora\.([ab])$/.exec(name) ?? []
    if (layer === undefined) continue
    const there = names[layer]!
    modules.add(there.split('.').at(-1)!)
    values[`${lead}${there}.lora_${which!.toUpperCase()}.weight`] = turned(v)
  }
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    target_modules: [...modules].sort(),
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
  }
  return { weights: encode(values, { format: 'pt' }), config: `${JSON.stringify(config, null, 2)}\n` }
}

/** Parameters of {@link lora} from PEFT's file. Throws `OCK-LORA-004` for tensors that no layer of the decoder has. */
export function decodePeft(bytes: Uint8Array, sizes: Sizes): Record<string, Value> {
  const ours = new Map(Object.entries(layerNames(sizes)).map(([layer, there]) => [there, layer]))
  return Object.fromEntries(
    Object.entries(decode(bytes).values).map(([name, v]) => {
      const [, there, which] = /^base_model\.model\.(.*)\.lora_([AB])\.weight$/.exec(name) ?? []
      const layer = there === undefined ? undefined : ours.get(there)
      if (layer === undefined || v.shape.length !== 2)
        throw new InputError({
          code: 'OCK-LORA-004',
          what: 'the tensor adapts no layer of this decoder',
          where: JSON.stringify(name.slice(0, 80)),
          remedy: 'give an adapter that was learnt on this base',
        })
      return [`${layer}.lora.${which!.toLowerCase()}`, turned(v)]
    }),
  )
}

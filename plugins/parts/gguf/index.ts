import { definePlugin, InputError, type Value } from 'ockham'
import type { ByteSource } from '../safetensors/index.js'
import { blocks } from './blocks.js'
import { fault, quoted, readHeader, type GgufHeader } from './header.js'

export type { GgufHeader, GgufTensor, GgufValue } from './header.js'

/** A GGUF file whose header has been read and checked; tensors are read when asked for. */
export interface GgufFile extends GgufHeader {
  /** A tensor as float32, de-quantised, slowest axis first. Throws `OCK-GGUF-010` for a name that the file lacks. */
  load(name: string): Value
}

/** Elements that are de-quantised at a time: the quantised bytes of a whole tensor are never held beside its numbers. */
const piece = 1 << 18

/**
 * Opens a GGUF file (version 3 or 2; element types F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q6_K).
 * The file is not trusted: whatever it declares, nothing is allocated that its own size does not account for.
 * Throws InputError `OCK-GGUF-001` … `-009`.
 */
export function openGguf(source: ByteSource): GgufFile {
  const header = readHeader(source)
  return {
    ...header,
    load(name) {
      const tensor = header.tensors.get(name)
      if (!tensor) throw new InputError(fault(10, `the file holds no ${quoted(name)}`, 'tensors', 'ask for a name that it holds'))
      const block = blocks.get(tensor.type)!
      const size = tensor.shape.reduce((n, d) => n * d, 1)
      const data = new Float32Array(size)
      for (let at = 0; at < size; at += piece) {
        const to = data.subarray(at, Math.min(size, at + piece))
        block.read(source.read(tensor.at + (at / block.size) * block.bytes, (to.length / block.size) * block.bytes), to)
      }
      return { shape: tensor.shape, dtype: 'float32', data }
    },
  }
}

export default definePlugin({ name: 'gguf', provides: [] })

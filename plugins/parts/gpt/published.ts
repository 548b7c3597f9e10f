import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { InputError, type Value } from 'ockham'
import { z } from 'zod'
import { openGguf } from '../gguf/index.js'
import { fileSource, openSafetensors, type ByteSource, type SafetensorsFile } from '../safetensors/index.js'
import { fromGguf, openTokenizer, type Tokenizer } from '../tokenizers/index.js'
import { configSizes, fault, ggufSizes } from './config.js'
import type { Naming } from './names.js'
import type { Sizes } from './sizes.js'

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

/** What a reader finds wrong in a file, with the file's name before the place in it. */
function inFile<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const named = error.problems.map((p) => ({ ...p, where: p.where === undefined ? path : `${path}, ${p.where}` }))
    throw new InputError(named, { cause: error })
  }
}

function ofGguf(path: string): Published {
  const source = fileSource(path)
  try {
    const file = inFile(path, () => openGguf(source))
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
      const file = inFile(shard, () => openSafetensors(source))
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
  const file = opened(path)
  const { sizes, shapes } = file
  if (sizes.layers <= shapes.size) return file
  file.close()
  // Before anything is made for each of them: a damaged number may be in the billions.
  throw new InputError(fault(3, `${sizes.layers} blocks, and ${shapes.size} tensors`, path, 'the file is damaged; get it again'))
}

function opened(path: string): Published {
  if (!existsSync(path)) throw new InputError(fault(3, 'the file does not exist', path, 'check the path'))
  if (statSync(path).isDirectory()) {
    const found = inFolder.map((name) => join(path, name)).find((p) => existsSync(p))
    if (!found) throw new InputError(fault(3, 'the folder holds no model', path, `put ${inFolder.join(' or ')} there, or name a GGUF file`))
    return ofSafetensors(found)
  }
  return /\.(safetensors|json)$/.test(path) ? ofSafetensors(path) : ofGguf(path)
}

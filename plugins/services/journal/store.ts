import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json, Store } from 'ockham'
import { decode, encode } from '../../parts/safetensors/index.js'
import { writeDurably } from './durable.js'

/** A store of safetensors files under a folder; the meta-data is JSON in each file's header. */
export const diskStore = (folder: string): Store => {
  const fileOf = (name: string) => `${join(folder, ...name.split('/').map(encodeURIComponent))}.safetensors`
  return {
    read(name) {
      const file = fileOf(name)
      if (!existsSync(file)) return Promise.resolve(undefined)
      const { values, metadata } = decode(readFileSync(file))
      return Promise.resolve({ values, meta: JSON.parse(metadata['meta'] ?? 'null') as Json })
    },
    write(name, { values, meta }) {
      writeDurably(fileOf(name), encode(values, { meta: JSON.stringify(meta) }))
      return Promise.resolve()
    },
  }
}

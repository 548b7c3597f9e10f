import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file so that a kill at any moment leaves the old one or the new one: temporary name, sync, rename, sync of the folder. */
export function writeDurably(file: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(file), { recursive: true })
  const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  const temporary = `${file}.tmp`
  const descriptor = openSync(temporary, 'w')
  try {
    for (let at = 0; at < data.length;) at += writeSync(descriptor, data, at, data.length - at)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
  syncFolder(dirname(file))
}

function syncFolder(folder: string): void {
  // Windows cannot open a folder; there the rename itself is durable enough.
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const folder = process.env['PEERS_DIR'] ?? join(root, '../shared/peers')
const python = process.env['PEERS_PYTHON'] ?? 'python3'
const execute = promisify(execFile)

/** What a peer measured, or why there is nothing. */
export type Peer = { readonly ms: number; readonly minMs: number } | { readonly reason: string }

/** Runs a script of the peers, or one by its whole path, for one work; its last line is JSON with `ms` and `min_ms`. */
export async function peer(script: string, work: string, threads: number, seconds: number, more: readonly string[] = []): Promise<Peer> {
  const path = isAbsolute(script) ? script : join(folder, script)
  if (!existsSync(path)) return { reason: `${path} is not there; set PEERS_DIR` }
  try {
    const { stdout } = await execute(python, [path, '--only', work, '--threads', String(threads), '--seconds', String(seconds), ...more])
    const line = stdout.trim().split('\n').at(-1)
    if (!line) return { reason: `${script} printed nothing for ${work}` }
    const { ms, min_ms: minMs } = JSON.parse(line) as { ms: number; min_ms: number }
    return { ms, minMs }
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    return { reason: `${python} ${script} failed (${said}); set PEERS_PYTHON to a Python with PyTorch` }
  }
}

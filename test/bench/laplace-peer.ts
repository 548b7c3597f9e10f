import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../..')
const script = join(process.env['PEERS_DIR'] ?? join(root, '../shared/peers'), 'laplace_fit.py')
const python = process.env['PEERS_PYTHON'] ?? 'python3'

/** Seconds per 1000 images of the peer's fit and linearised prediction. */
export interface PeerWork {
  readonly fit: number
  readonly predict: number
}

/**
 * What laplace-torch measured, by the name of the work (`laplace-mlp-all-kron`). The script is stopped once all that is wanted has come: what
 * follows takes gigabytes and minutes.
 */
export async function laplacePeer(
  images: number,
  wanted: readonly string[],
  seconds: number,
): Promise<Record<string, PeerWork> | { readonly reason: string }> {
  if (!existsSync(script)) return { reason: `${script} is not there; set PEERS_DIR` }
  const child = spawn(python, ['-W', 'ignore', script, '--images', String(images)], { stdio: ['ignore', 'pipe', 'ignore'] })
  const timer = setTimeout(() => child.kill(), seconds * 1000)
  const failed = new Promise<string>((give) => {
    child.once('error', (error) => give(error.message))
    child.once('close', (code) => give(code === 0 ? '' : `ended with ${code ?? 'a signal'}`))
  })
  const found: Record<string, PeerWork> = {}
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { work: string; fit_s_per_1000?: number; glm_predict_s_per_1000?: number }
      if (said.fit_s_per_1000 !== undefined && said.glm_predict_s_per_1000 !== undefined)
        found[said.work] = { fit: said.fit_s_per_1000, predict: said.glm_predict_s_per_1000 }
      if (wanted.every((work) => found[work])) break
    }
  } finally {
    clearTimeout(timer)
    child.kill()
  }
  if (Object.keys(found).length > 0) return found
  return { reason: `${python} laplace_fit.py gave nothing (${await failed}); set PEERS_PYTHON to a Python with laplace-torch` }
}

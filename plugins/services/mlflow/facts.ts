import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import type { Strings } from './client/index.js'

const git = (...args: string[]): string | undefined => {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] })
  return status === 0 ? stdout.trim() : undefined
}

function user(): Strings {
  try {
    return { 'mlflow.user': userInfo().username }
  } catch {
    // A container's user may have no name.
    return {}
  }
}

let known: Strings | undefined

/** Who runs what: MLflow's own tags for user, entry script and commit, and whether the checkout differs from the commit. */
export function facts(script: string): Strings {
  if (known) return known
  const commit = git('rev-parse', 'HEAD')
  const source = { 'mlflow.source.name': script, 'mlflow.source.type': 'LOCAL', ...user() }
  if (commit === undefined) return (known = source)
  const branch = git('rev-parse', '--abbrev-ref', 'HEAD')
  const url = git('config', '--get', 'remote.origin.url')?.replace(/\/\/[^@/]*@/, '//')
  return (known = {
    ...source,
    'mlflow.source.git.commit': commit,
    ...(branch ? { 'mlflow.source.git.branch': branch } : {}),
    ...(url ? { 'mlflow.source.git.repoURL': url } : {}),
    'ockham.git.dirty': String(git('status', '--porcelain') !== ''),
  })
}

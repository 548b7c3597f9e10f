import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Versions that a run's numbers depend on. */
export function versions(): Record<string, string> {
  const { version, dependencies } = require('../../package.json') as { version: string; dependencies: Record<string, string> }
  const named = ['@tensorflow/tfjs-core', 'onnxruntime-node']
  return {
    ockham: version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    ...Object.fromEntries(named.map((n) => [n, dependencies[n] ?? 'unknown'])),
  }
}

import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine, Tensors, Value, Values } from 'ockham'
import { tf, type Tensor, type Tensor4D } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import { cases, random } from '../engine/test-cases.js'
import { tfjsNode } from './index.js'

/** A folder that has the package: TFJS_NODE, or one where TFJS_NODE_BUILD=1 asks for it to be built; else why there is none. */
function installed(): { readonly folder: string } | { readonly reason: string } {
  const given = process.env['TFJS_NODE']
  if (given) return { folder: given }
  if (process.env['TFJS_NODE_BUILD'] !== '1')
    return { reason: 'set TFJS_NODE to a folder that has @tensorflow/tfjs-node, or TFJS_NODE_BUILD=1 to build it (1.3 GB)' }
  const folder = mkdtempSync(join(tmpdir(), 'ockham-tfjs-node-'))
  const script = fileURLToPath(new URL('build.sh', import.meta.url))
  const { status, stderr } = spawnSync('bash', [script, folder], { encoding: 'utf8', timeout: 600_000 })
  return status === 0 ? { folder } : { reason: `it could not be built: ${stderr.slice(-300)}` }
}

it('is an error with the remedy where the package is not installed', async () => {
  const from = [mkdtempSync(join(tmpdir(), 'ockham-empty-'))]
  for (const name of ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'] as const)
    await expect(tfjsNode({ package: name, from })).rejects.toThrow(
      new RegExp(`OCK-TFJS-001 at --engine ${name.split('/')[1]}: ${name} is not installed.*npm install ${name}@4.22.0`, 's'),
    )
})

/** Where nothing is asked for, one test says so instead of a thousand. */
const asked = process.env['TFJS_NODE'] !== undefined || process.env['TFJS_NODE_BUILD'] === '1'

describe('on TensorFlow', () => {
  let found: ReturnType<typeof installed>
  let engine: Engine | undefined
  const gradient = tf.getGradient('AvgPool')
  beforeAll(async () => {
    found = installed()
    if ('folder' in found) engine = createEngine(await tfjsNode({ from: [found.folder] }))
  }, 700_000)
  afterAll(() => engine?.dispose())

  /** The case as tfjs' cpu backend computes it, outside any trace. */
  const eager = (inputs: Values, fn: (t: Tensors) => Tensor): Value => {
    const y = fn(Object.fromEntries(Object.entries(inputs).map(([n, v]) => [n, tf.tensor(v.data, [...v.shape], v.dtype as 'float32')])))
    return { shape: y.shape, dtype: y.dtype as Value['dtype'], data: y.dataSync() }
  }

  it.for((asked ? cases : []).map((c, i) => [`${c.kernel} ${c.name}`, c, i] as const))('%s', async ([, c, i], { skip }) => {
    if ('reason' in found) return skip(found.reason)
    const { inputs, fn } = c.build(random(i + 1))
    const program = engine!.compile((t: Tensors) => fn(t))
    const [got, wanted] = [await program(inputs), eager(inputs, fn)]
    program.dispose()
    expect([got.shape, got.dtype]).toEqual([wanted.shape, wanted.dtype])
    wanted.data.forEach((w, k) => {
      const g = got.data[k]!
      if (Object.is(g, w) || (Number.isNaN(g) && Number.isNaN(w))) return
      expect(Math.abs(g - w), `element ${k}: ${g} for ${w}`).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(w)))
    })
  })

  it('is right where rows and columns differ in stride, and TensorFlow is not', async ({ skip }) => {
    if ('reason' in found) return skip(found.reason)
    const r = random(2)
    const inputs = { x: r.floats([2, 4, 4, 1]), f: r.floats([2, 3, 1, 3]) }
    const fn = ({ x, f }: Tensors): Tensor => tf.conv2d(x as Tensor4D, f as Tensor4D, [1, 2], 'valid')
    const [got, wanted] = [await engine!.compile(fn)(inputs), eager(inputs, fn)]
    wanted.data.forEach((w, k) => expect(got.data[k]).toBeCloseTo(w, 5))
  })

  it('runs on while tfjs stays what it was: its backend, its gradients, no tensor left', async ({ skip }) => {
    if ('reason' in found) return skip(found.reason)
    expect(tf.getBackend()).toBe('cpu')
    expect(tf.getGradient('AvgPool')).toBe(gradient)
    const advance = engine!.loop((carry) => ({ carry: { x: carry['x']!.mul(0.5).add(1) } }))
    let carry = advance.load({ x: { shape: [2], dtype: 'float32', data: Float32Array.of(0, 8) } })
    const before = tf.memory().numTensors
    for (let step = 0; step < 30; step++) ({ carry } = await advance.advance(carry, step, [{}], []))
    expect(tf.memory().numTensors).toBe(before)
    const { x } = await carry.read()
    x!.data.forEach((v) => expect(v).toBeCloseTo(2, 5))
    advance.dispose()
  })
})

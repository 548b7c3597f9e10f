import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle, packageRoot, versions } from './bundle.js'
import { tf } from './tensor.js'

const run = promisify(execFile)
const root = packageRoot()
let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ockham-bundle-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

describe('ockham/tensor', () => {
  it('has gradients and chained methods', () => {
    const gradient = tf.tidy(() => [
      ...tf
        .grad((x) => x.square().mul(x).sum())(tf.tensor1d([1, 2]))
        .dataSync(),
    ])
    expect(gradient).toEqual([3, 12])
  })

  it('is the pinned version', () => {
    expect(tf.version_core).toBe('4.22.0')
    expect(new Set(Object.values(versions))).toEqual(new Set(['4.22.0']))
  })

  it.each([
    ['module', 'mts'],
    ['plain', 'ts'],
  ])('prints nothing when a %s script imports and uses it', async (_, extension) => {
    const script = join(scratch, `script.${extension}`)
    writeFileSync(
      script,
      `import { tf, type Scalar } from ${JSON.stringify(join(root, 'plugins/services/engine/tensor.ts'))}
       const y: Scalar = tf.tensor1d([1, 2]).sum()
       if (y.dataSync()[0] !== 3) throw new Error('wrong')`,
    )
    const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', script], { cwd: root })
    expect([stdout, stderr]).toEqual(['', ''])
  })
})

describe('the bundle', () => {
  it('is whole for two processes that make it at once', async () => {
    const folder = join(scratch, 'race')
    const script = join(scratch, 'race.mts')
    writeFileSync(
      script,
      `import { bundle, load } from ${JSON.stringify(join(root, 'plugins/services/engine/bundle.ts'))}
       const file = bundle([${JSON.stringify(folder)}])
       const { tf } = load(file) as { tf: { version_core: string } }
       console.log(file, tf.version_core)`,
    )
    const both = await Promise.all([1, 2].map(() => run(process.execPath, ['--import', 'tsx', script], { cwd: root })))
    const files = readdirSync(folder)
    expect(files).toHaveLength(1)
    for (const { stdout } of both) expect(stdout.trim()).toBe(`${join(folder, files[0]!)} 4.22.0`)
  })

  it('goes to the next folder where the first cannot be written', () => {
    const occupied = join(scratch, 'file')
    writeFileSync(occupied, '')
    const second = join(scratch, 'second')
    expect(bundle([join(occupied, 'below'), second])).toBe(join(second, readdirSync(second)[0]!))
    expect(() => bundle([join(occupied, 'below')])).toThrow(/not writable/)
  })
})

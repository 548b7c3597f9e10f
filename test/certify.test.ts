/* Certificates end to end: written by a run, checked by the command line from two files, and by a script that shares nothing with us. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHost, use, type Host } from 'ockham/hosts/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './imports.js'

const out = mkdtempSync(join(tmpdir(), 'ockham-certify-'))
let host: Host
let folder: string

const cli = (...args: string[]) =>
  spawnSync(process.execPath, ['hosts/cli/ockham.js', 'certify', ...args, '--engine', 'onnxruntime'], { cwd: root, encoding: 'utf8' })

/** Message and spec alone, elsewhere. */
function apart(name: string, change: (message: Buffer) => void = () => undefined): string {
  const place = join(out, name)
  mkdirSync(place)
  copyFileSync(join(folder, 'spec.yaml'), join(place, 'spec.yaml'))
  const message = readFileSync(join(folder, 'message.bin'))
  change(message)
  writeFileSync(join(place, 'message.bin'), message)
  return join(place, 'message.bin')
}

beforeAll(async () => {
  host = await createHost({ engine: 'onnxruntime', out })
  const record = await host.run({
    name: 'certified',
    seed: 5,
    dataset: use('glyphs'),
    model: use('subspace', { of: use('mlp', { hidden: [12] }), dim: 60 }),
    objective: use('cross-entropy'),
    inference: use('quantised', {
      levels: 4,
      epochs: 1,
      after: use('map', { epochs: 3, optimizer: use('adam', { learningRate: 0.1 }) }),
    }),
    bounds: [use('compression', { choices: { dims: 2 } }), use('clopper-pearson')],
  })
  folder = record.folder!
}, 60_000)
afterAll(async () => {
  await host.dispose()
  rmSync(out, { recursive: true, force: true })
})

describe('ockham certify', () => {
  it('the run wrote its message and the page of its certificates', () => {
    expect(existsSync(join(folder, 'certificate.html'))).toBe(true)
    expect(readFileSync(join(folder, 'message.bin')).subarray(0, 6).toString()).toBe('OCKMSG')
    const { certificates } = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')) as {
      certificates: { value: number; terms: object }[]
    }
    expect(certificates[0]!.value).toBeLessThan(1)
    expect(certificates[0]!.terms).toMatchObject({ 'bits.codebook': 64, 'bits.choices': 1, 'bits.scaling': 128 })
  })

  it('--decode agrees from message and spec alone, and prints risk and bound', async () => {
    const found = await host.decode(apart('alone'))
    expect(found.agrees).toBe(true)
    expect(found.compared.map((c) => c.claimed.bound)).toEqual(['compression', 'clopper-pearson'])
  })

  it('--spec names the spec; a difference, or a damaged message, exits 1', { timeout: 60_000 }, () => {
    const message = apart('moved')
    const spec = join(out, 'other.yaml')
    const text = readFileSync(join(folder, 'spec.yaml'), 'utf8')
    writeFileSync(spec, text.replace('dims: 2', 'dims: 64'))
    rmSync(join(out, 'moved', 'spec.yaml'))
    const other = cli('--decode', message, '--spec', spec)
    expect(other.stdout).toMatch(/compression +0\.\d+ +0\.\d+/)
    expect(other.stdout).toContain('DIFFERS')
    expect(other.status).toBe(1)
    const damaged = cli(
      '--decode',
      apart('damaged', (m) => void (m[m.length - 3]! ^= 1)),
    )
    expect(damaged.stderr).toContain('OCK-CERT-002')
    expect(damaged.status).toBe(1)
  })

  it('what cannot be read is said by its code, whatever is wrong with it', async () => {
    const head = (change: (head: Record<string, unknown>) => unknown) => (m: Buffer) => {
      const size = m.readUInt32LE(8)
      const found = change(JSON.parse(m.subarray(12, 12 + size).toString()) as Record<string, unknown>)
      const text = Buffer.from(JSON.stringify(found))
      // As long as before: what is shorter is filled up, what is longer cut.
      text.copy(m.fill(0x20, 12, 12 + size), 12, 0, size)
    }
    const refused = (name: string, change: (m: Buffer) => void, code: string) =>
      expect(host.decode(apart(name, change)), name).rejects.toThrow(code)
    await refused(
      'no-side',
      head(({ side: _, ...rest }) => rest),
      'OCK-CERT-002',
    )
    await refused(
      'no-claims',
      head((h) => ({ ...h, claims: null })),
      'OCK-CERT-002',
    )
    await refused(
      'no-object',
      head(() => null),
      'OCK-CERT-002',
    )
    await refused(
      'no-number',
      head((h) => ({ ...h, claims: [{ ...(h['claims'] as object[])[0]!, value: 'low' }] })),
      'OCK-CERT-002',
    )
    const message = apart('cut')
    const whole = readFileSync(message)
    for (const size of [0, 5, 12, 40, whole.length - 1]) {
      writeFileSync(message, whole.subarray(0, size))
      await expect(host.decode(message), `${size} bytes`).rejects.toThrow('OCK-CERT-002')
    }
    await expect(host.decode(join(out, 'cut'))).rejects.toThrow(/OCK-CERT-001.*is no file/)
    writeFileSync(message, whole)
    rmSync(join(out, 'cut', 'spec.yaml'))
    await expect(host.decode(message)).rejects.toThrow(/OCK-CERT-007.*--spec/)
  })

  it('--set moves the spec to where the data lies, and a claim that is not true differs', { timeout: 60_000 }, () => {
    const message = apart('elsewhere')
    const spec = join(out, 'elsewhere', 'spec.yaml')
    writeFileSync(spec, readFileSync(spec, 'utf8').replace('use: glyphs', 'use: idx-images\n  root: nowhere'))
    const { stdout, stderr, status } = cli('--decode', message, '--set', 'dataset=glyphs', '--json')
    expect(status, stderr).toBe(0)
    expect((JSON.parse(stdout) as { compared: { agrees: boolean }[] }).compared.map((c) => c.agrees)).toEqual([true, true])
    expect(cli('--decode', message, '--set', 'dataset')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('OCK-SPEC-027') as string,
    })
    const false_ = apart('false', (m) => {
      const at = m.indexOf('"value":0.')
      m[at + 11] = m[at + 11] === 0x39 ? 0x31 : m[at + 11]! + 1
    })
    const found = cli('--decode', false_)
    expect(found.stdout).toMatch(/^compression .* DIFFERS$/m)
    expect(found.stdout).toMatch(/^clopper-pearson .* agrees$/m)
    expect(found.status).toBe(1)
  })

  it('another seed is another start', async () => {
    const message = apart('seed')
    const spec = join(out, 'seed', 'spec.yaml')
    writeFileSync(spec, readFileSync(spec, 'utf8').replace('seed: 5', 'seed: 6'))
    await expect(host.decode(message)).rejects.toThrow(/OCK-CERT-005/)
    await expect(host.decode(join(out, 'none.bin'))).rejects.toThrow(/OCK-CERT-001/)
  })

  it('a start that was learnt is learnt again by the decoder, from its own share of the examples', { timeout: 60_000 }, async () => {
    const { folder: learnt } = await host.run({
      name: 'informed',
      seed: 5,
      dataset: use('subset', { of: use('glyphs', { normalise: { mean: [0.5], std: [0.5] } }), size: 2000 }),
      model: use('subspace', { of: use('mlp', { hidden: [32] }), dim: 9 }),
      objective: use('cross-entropy'),
      inference: use('quantised', {
        share: 0.5,
        prior: use('map', { epochs: 20, optimizer: use('adam', { learningRate: 0.003 }) }),
        levels: 3,
        epochs: 1,
        optimizer: use('adam', { learningRate: 0.003 }),
        after: use('map', { epochs: 1, optimizer: use('adam', { learningRate: 0.01 }) }),
      }),
      bounds: [use('compression')],
    })
    const { agrees, certificates } = await host.decode(join(learnt!, 'message.bin'))
    expect(agrees).toBe(true)
    expect(certificates[0]!.terms['n']).toBe(1000)
    expect(certificates[0]!.terms['bits.scaling']).toBeUndefined()
    expect(certificates[0]!.value).toBeLessThan(0.7)
    expect(certificates[0]!.assumptions.join(' ')).toContain('the 1000 examples that it did not see')
  })

  it('a decoder is rebuilt by its message, and a run of text gets the bound of text', { timeout: 60_000 }, async () => {
    const names = join(out, 'names.txt')
    writeFileSync(names, Array.from({ length: 300 }, (_, i) => `${'aeiou'[i % 5]}${'lmnr'[i % 4]}${'aeiou'[i % 3]}`).join('\n'))
    const { folder: learnt } = await host.run({
      name: 'decoder',
      seed: 2,
      dataset: use('text', { file: names, unit: 'lines', layout: 'single', context: 4, validation: 0, test: 0 }),
      model: use('subspace', { of: use('gpt', { layers: 1, width: 8, heads: 2, context: 4 }), dim: 16 }),
      objective: use('next-token'),
      inference: use('quantised', {
        levels: 3,
        epochs: 1,
        after: use('map', { epochs: 8, optimizer: use('adam', { learningRate: 0.1 }) }),
      }),
    })
    const { certificates } = await host.certify(learnt!)
    expect(certificates.map(({ bound, unit, terms }) => [bound, unit, terms['n'], terms['tokens']])).toEqual([
      ['text-compression', 'document', 300, 1200],
    ])
    expect((await host.decode(join(learnt!, 'message.bin'))).agrees).toBe(true)
  })

  it('a run without a message is refused, whatever its bounds', { timeout: 60_000 }, async () => {
    const plain = { dataset: use('two-moons', { n: 60 }), model: use('mlp', { hidden: [4] }), objective: use('cross-entropy') }
    const { folder: learnt } = await host.run({ name: 'plain', ...plain, inference: use('map', { steps: 2 }), bounds: [use('hoeffding')] })
    await expect(host.certify(learnt!)).rejects.toThrow(/OCK-CERT-004.*quantised/)
    await expect(host.decode(apart('other-spec'), { spec: join(learnt!, 'spec.yaml') })).rejects.toThrow(/OCK-CERT-004/)
  })

  it('a run gets its message from certify', async () => {
    const before = readFileSync(join(folder, 'message.bin'))
    rmSync(join(folder, 'message.bin'))
    rmSync(join(folder, 'certificate.html'))
    const { certificates } = await host.certify(folder)
    expect(certificates.length).toBe(2)
    expect(readFileSync(join(folder, 'message.bin'))).toEqual(before)
    expect(readFileSync(join(folder, 'certificate.html'), 'utf8')).toContain('ockham certify --decode message.bin')
  })
})

it('an independent script finds the same risks and bounds', { timeout: 60_000 }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['test/recheck.mjs', folder], { cwd: root, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  const found = JSON.parse(stdout) as {
    bound: string
    claimed: number
    value: number
    risk: number
    claimedRisk: number
    honest?: boolean
  }[]
  expect(found.map(({ bound }) => bound)).toEqual(['compression', 'clopper-pearson'])
  for (const { claimed, value, risk, claimedRisk } of found) {
    // At most one image whose two likeliest classes agree to the last digits of a float.
    expect(Math.abs(risk - claimedRisk)).toBeLessThan(2e-4)
    expect(Math.abs(value - claimed)).toBeLessThan(4e-4)
  }
  expect(found[0]!.honest).toBe(true)
})

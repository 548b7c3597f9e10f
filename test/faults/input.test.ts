import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { fileWith, folders, ockham, temporary } from './command.js'

const good = `
dataset: two-moons
model: { use: mlp, hidden: [8] }
objective: cross-entropy
inference: { use: map, steps: 20, batchSize: 16 }
`

/** Runs a bad spec: it must exit 2, start nothing and leave no run folder. */
function refused(text: string, ...flags: string[]): string {
  const out = join(temporary(), 'runs')
  const { status, stderr, stdout } = ockham('run', fileWith(text), '--out', out, ...flags)
  expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: '' })
  expect(folders(out)).toEqual([])
  return stderr
}

const idx = (magic: number, dims: number[], data: Uint8Array): Buffer => {
  const header = Buffer.alloc(4 + 4 * dims.length)
  header.writeUInt32BE(magic)
  dims.forEach((d, i) => header.writeUInt32BE(d, 4 + 4 * i))
  return Buffer.concat([header, data])
}

function images(labels: number[], o: { magic?: number; cut?: number } = {}): string {
  const folder = join(temporary(), 'images')
  mkdirSync(folder)
  const whole = gzipSync(idx(o.magic ?? 2051, [labels.length, 4, 4], new Uint8Array(labels.length * 16).fill(7)))
  writeFileSync(join(folder, 'train-images-idx3-ubyte.gz'), o.cut ? whole.subarray(0, whole.length - o.cut) : whole)
  writeFileSync(join(folder, 'train-labels-idx1-ubyte.gz'), gzipSync(idx(2049, [labels.length], Uint8Array.from(labels))))
  return folder
}

const withData = (dataset: string): string => good.replace('two-moons', dataset)

describe('bad input is refused before anything starts', () => {
  it('reports everything that is wrong with a spec at once', () => {
    const said = refused(`
dataset: { use: two-moons, noise: -1 }
model: { use: mlq, hidden: [8] }
objective: cross-entropy
prior: { use: fseb, context: { use: adam } }
inference: { use: map, epochs: 0 }
`)
    expect(said).toMatch(/mlq.*mlp/s)
    for (const where of ['dataset.noise', 'model', 'prior.context', 'inference.epochs']) expect(said).toContain(where)
    expect(said.match(/OCK-SPEC-\d+/g)!.length).toBeGreaterThanOrEqual(4)
  })

  it('refuses duplicate keys, anchors and polluting keys', () => {
    const said = refused(`seed: 1\nseed: 2\nname: &a x\n__proto__: {b: 1}\n${good}`)
    for (const code of ['OCK-SPEC-011', 'OCK-SPEC-012', 'OCK-SPEC-013']) expect(said).toContain(code)
  })

  it('names missing files, wrong magic, truncated gzip and labels outside the classes', () => {
    expect(refused(withData('{ use: idx-images, root: nowhere }'))).toMatch(/OCK-DATA-\d+.*nowhere/s)
    expect(refused(withData(`{ use: idx-images, root: ${images([0, 1], { magic: 2052 })} }`))).toMatch(/OCK-DATA-\d+.*205[12]/s)
    expect(refused(withData(`{ use: idx-images, root: ${images([0, 1], { cut: 9 })} }`))).toMatch(/OCK-DATA-\d+/)
    expect(refused(withData(`{ use: idx-images, root: ${images([0, 12])} }`))).toMatch(/OCK-DATA-\d+.*12/s)
  })

  it('names row and column of a bad cell', () => {
    const table = fileWith('a,b,label\n1,2,x\n3,NaN,y\n5,6,x\n', 'table.csv')
    expect(refused(withData(`{ use: csv, file: ${table} }`))).toMatch(/OCK-DATA-\d+.*row 2.*'?b'?|OCK-DATA-\d+.*b.*row/s)
  })

  it('collects the bad files of several datasets', () => {
    const said = refused(
      `${withData('{ use: idx-images, root: nowhere }')}evaluations: [{ use: ood, against: { use: idx-images, root: elsewhere } }]\n`,
    )
    expect(said).toContain('nowhere')
    expect(said).toContain('elsewhere')
  })

  it('finds what only shows when a run is about to start, in every variant, and leaves no folder', () => {
    const other = images([0, 1])
    const said = refused(`${good}variants:
  context: { prior: { use: fseb, context: { use: idx-images, root: ${other} } } }
  early: { inference: { use: map, steps: 20, early: { patience: 2 } } }
  given: { inference: given }
  weights: { initial: nowhere.safetensors }
  run: { initial: no-such-run }
`)
    for (const code of ['OCK-DATA-041', 'OCK-TRAIN-008', 'OCK-TRAIN-009', 'OCK-SPEC-033', 'OCK-RUN-010']) expect(said).toContain(code)
    expect(refused(`${good}evaluations: [{ use: ood, against: { use: idx-images, root: ${other} } }]\n`)).toContain('OCK-DATA-041')
  })

  it('refuses bad flags and paths', () => {
    expect(refused(good, '--set', 'inference.epochs.x=3', '--set', 'nonsense')).toContain('OCK-SPEC')
    expect(ockham('run', 'no-such-file.yaml').status).toBe(2)
    expect(ockham('run', fileWith(good), '--engine', 'abacus').status).toBe(2)
    expect(ockham('run', fileWith(good), '--out', fileWith('')).status).toBe(2)
    expect(ockham('resume', 'no-such-run').status).toBe(2)
  })
}, 120_000)

describe('a run that diverges', () => {
  it('stops, names the step and keeps the last good checkpoint', () => {
    const out = join(temporary(), 'runs')
    const { status, stderr } = ockham(
      'run',
      fileWith(good.replace('batchSize: 16', 'batchSize: 16, optimizer: { use: sgd, learningRate: 1e30 }')),
      '--out',
      out,
    )
    expect(status).toBe(1)
    expect(stderr).toMatch(/OCK-TRAIN-001.*step \d+.*--check-finite/s)
    expect(folders(out).length).toBe(1)
    const again = ockham('resume', folders(out)[0]!, '--check-finite', '--out', out)
    expect(again.status).toBe(1)
    expect(again.stderr).toMatch(/OCK-ENGINE-022 at .*\.ts:\d+: \w+ of float32 .* is the first whose result .* is not finite in step \d+/)
  }, 60_000)
})

import { mkdtempSync, readFileSync, appendFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Recorded } from 'ockham'
import { describe, expect, it } from 'vitest'
import { batchesOf, halves, keyOf, MlflowClient } from './client/index.js'
import { connect } from './client/connection.js'
import { flatten, inputsOf } from './flatten.js'
import { Packer } from './packing.js'
import { Spool } from './spool.js'

const folder = () => mkdtempSync(join(tmpdir(), 'mlflow-'))

describe('batchesOf', () => {
  const metrics = (n: number) => Array.from({ length: n }, (_, step) => ({ key: 'm', value: step, step, time: 0 }))
  const strings = (n: number, length = 1) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 'x'.repeat(length)]))
  const sizes = (batches: Iterable<{ metrics: readonly object[]; params: object; tags: object }>) =>
    [...batches].map((b) => [b.metrics.length, Object.keys(b.params).length, Object.keys(b.tags).length])

  it('keeps to every cap', () => {
    expect(sizes(batchesOf({ metrics: metrics(2001) }))).toEqual([[1000, 0, 0], [1000, 0, 0], [1, 0, 0]]) // prettier-ignore
    expect(sizes(batchesOf({ params: strings(201) }))).toEqual([[0, 100, 0], [0, 100, 0], [0, 1, 0]]) // prettier-ignore
    expect(sizes(batchesOf({ metrics: metrics(950), params: strings(60), tags: strings(90) }))).toEqual([[850, 60, 90], [100, 0, 0]]) // prettier-ignore
    expect(sizes(batchesOf({ metrics: metrics(450) }, 200))).toEqual([[200, 0, 0], [200, 0, 0], [50, 0, 0]]) // prettier-ignore
    for (const batch of batchesOf({ params: strings(300, 6000), tags: strings(300, 5000) }))
      expect(JSON.stringify(batch).length).toBeLessThan(1_000_000)
    expect(sizes(batchesOf({}))).toEqual([])
  })

  it('halves without loss', () => {
    const [batch] = [...batchesOf({ metrics: metrics(3), params: strings(2), tags: strings(2) })]
    const [a, b] = halves(batch!)
    expect([...a.metrics, ...b.metrics]).toEqual(batch!.metrics)
    expect({ ...a.params, ...b.params }).toEqual(batch!.params)
    expect({ ...a.tags, ...b.tags }).toEqual(batch!.tags)
  })
})

describe('keyOf', () => {
  it('gives keys that servers take', () => {
    expect(keyOf('test/nll')).toBe('test/nll')
    expect(keyOf('a@b[0]=c')).toBe('a_b_0__c')
    expect(keyOf('/a//../b/')).toBe('a/_/b')
    const [long, longer] = [keyOf('x'.repeat(300)), keyOf('x'.repeat(301))]
    expect([long.length, longer.length]).toEqual([250, 250])
    expect(long).not.toBe(longer)
  })
})

describe('flatten', () => {
  it('names a component at its path, and every option below it', () => {
    const spec = { seed: 0, prior: 'flat', inference: { use: 'map', optimizer: { use: 'adam', learningRate: 0.1 } }, model: { use: 'mlp', hidden: [8, 8] }, evaluations: [{ use: 'ood', against: { use: 'x' } }], bounds: ['b'] } // prettier-ignore
    expect(flatten(spec)).toEqual({ seed: '0', prior: 'flat', inference: 'map', 'inference.optimizer': 'adam', 'inference.optimizer.learningRate': '0.1', model: 'mlp', 'model.hidden': '[8,8]', 'evaluations.0': 'ood', 'evaluations.0.against': 'x', bounds: '["b"]' }) // prettier-ignore
  })

  it('gives each split of a dataset a digest of its own', () => {
    const meta = { task: 'classification', splits: { train: 5, test: 3 }, shapes: {}, digest: 'd', licence: 'l' }
    const inputs = [...inputsOf({ where: 'dataset', name: 'a', meta }), ...inputsOf({ where: 'prior.context', name: 'a', meta })]
    expect(inputs.map((i) => i.context)).toEqual(['training', 'test', 'prior.context'])
    expect(new Set(inputs.map((i) => i.digest)).size).toBe(3)
    expect(inputs.every((i) => /^[0-9a-f]{36}$/.test(i.digest))).toBe(true)
  })
})

describe('Packer', () => {
  const step = (n: number, values: Record<string, number>, path = ['inference']): Recorded => ({ type: 'step', fold: 'f', step: n, of: 9, values, time: '2026-01-01T00:00:00.000Z', path }) // prettier-ignore

  it('puts steps alike into columns, in order with the rest', () => {
    const packer = new Packer()
    const epoch: Recorded = { type: 'epoch', epoch: 1, values: {}, time: '', path: [] }
    for (const event of [step(0, { a: 1, b: 2 }), step(1, { a: 3, b: 4 }), step(2, { a: 5 }), epoch, step(3, { a: 6 }, ['x'])])
      packer.add(event)
    expect(packer.steps).toBe(4)
    const { items, transfer } = packer.take()
    expect(items.map((i) => ('steps' in i ? [i.path, [...i.names], [...i.steps], [...i.values]] : i.type))).toEqual([
      [['inference'], ['a', 'b'], [0, 1], [1, 2, 3, 4]],
      [['inference'], ['a'], [2], [5]],
      'epoch',
      [['x'], ['a'], [3], [6]],
    ])
    expect(transfer.length).toBe(9)
    expect([packer.steps, packer.empty]).toEqual([0, true])
  })
})

describe('Spool', () => {
  it('is read in pieces, survives a torn line, and starts anew for another server', () => {
    const spool = new Spool(folder())
    const line = (text: string) => ({ at: '', kind: 'text' as const, path: 'p', text })
    const lines = ['a', 'x'.repeat(700_000), ...Array.from({ length: 3000 }, (_, i) => `${i} ${'y'.repeat(200)}`)].map(line)
    spool.append(lines)
    appendFileSync(spool.file, '{"at":"","ki')
    const read = []
    for (let at = 0; ;) {
      const { lines: some, end } = spool.read(at)
      if (end === at) break
      read.push(...some)
      at = end
    }
    expect(read).toEqual(lines)
    expect(spool.repair()).toEqual(lines)
    expect(readFileSync(spool.file, 'utf8').endsWith('\n')).toBe(true)
    const state = spool.delivered('http://a')
    state.position = 7
    spool.mark(state)
    expect([spool.delivered('http://a').position, spool.delivered('http://b').position]).toEqual([7, 0])
  })
})

describe('connect', () => {
  const env = {
    MLFLOW_TRACKING_URI: 'http://host:1/ml/',
    MLFLOW_TRACKING_TOKEN: 't',
    MLFLOW_TRACKING_USERNAME: 'u',
    MLFLOW_TRACKING_PASSWORD: 'p',
  }
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

  it('takes what is given, then the token, then the password', () => {
    expect(connect({}, env)).toMatchObject({ base: 'http://host:1/ml', authorization: 'Bearer t' })
    expect(connect({ username: 'me', password: 'mine' }, env).authorization).toBe(basic('me:mine'))
    expect(connect({}, { ...env, MLFLOW_TRACKING_TOKEN: '' }).authorization).toBe(basic('u:p'))
    expect(connect({ uri: 'https://a:b@host' }, env)).toMatchObject({ base: 'https://host', authorization: basic('a:b') })
    expect(connect({}, {})).toMatchObject({ base: 'http://127.0.0.1:5000', authorization: undefined, timeout: 120, retries: 5 })
    expect(connect({}, { MLFLOW_HTTP_REQUEST_TIMEOUT: '7', MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' })).toMatchObject({
      timeout: 7,
      retries: 0,
    })
    expect(() => connect({ ca: '/nowhere.pem' }, {})).toThrow(/OCK-MLFLOW-009/)
    expect(new MlflowClient({ uri: 'http://x:y@host:3/a' }).uri).toBe('http://host:3/a')
  })
})

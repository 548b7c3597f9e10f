import { describe, expect, it } from 'vitest'
import { applySet, InputError, sha256, specDigest, toPlain, type Json, type PipelineSpec } from 'ockham'
import { Reference } from './kinds.js'
import { editDistance, nearest } from './nearest.js'

const use = (name: string, options = {}) => new Reference(name, options)
const asSpec = (fields: object) => fields as PipelineSpec

describe('applySet', () => {
  const spec: Json = { seed: 0, prior: 'flat', evaluations: ['accuracy', { use: 'ood', against: 'x' }], inference: { use: 'map' } }
  it.each<[string, Json, Json]>([
    ['seed', 3, { ...spec, seed: 3 }],
    ['inference.optimizer.learningRate', 0.1, { ...spec, inference: { use: 'map', optimizer: { learningRate: 0.1 } } }],
    ['prior.scale', 2, { ...spec, prior: { use: 'flat', scale: 2 } }],
    ['evaluations.1.against', 'y', { ...spec, evaluations: ['accuracy', { use: 'ood', against: 'y' }] }],
    [
      'evaluations[0].bins',
      9,
      {
        ...spec,
        evaluations: [
          { use: 'accuracy', bins: 9 },
          { use: 'ood', against: 'x' },
        ],
      },
    ],
    ['evaluations[2]', 'groups', { ...spec, evaluations: ['accuracy', { use: 'ood', against: 'x' }, 'groups'] }],
    ['variants.a.prior', 'fseb', { ...spec, variants: { a: { prior: 'fseb' } } }],
  ])('sets %s', (path, value, wanted) => {
    const before = JSON.stringify(spec)
    expect(applySet(spec, path, value)).toEqual(wanted)
    expect(JSON.stringify(spec)).toBe(before)
  })

  it.each(['seed.x', 'evaluations.3', 'evaluations.first', '__proto__.x', 'inference.constructor', 'a..b', '', 'bounds.0'])(
    'refuses %s',
    (path) => {
      expect(() => applySet(spec, path, 1)).toThrow(InputError)
      expect(() => applySet(spec, path, 1)).toThrow('OCK-SPEC-025')
    },
  )
})

describe('toPlain', () => {
  it('writes references at any depth, and survives the way to text and back', async () => {
    const spec = {
      dataset: use('subset', { of: use('idx', { root: 'x' }), sizes: [1, 2], skip: undefined }),
      evaluations: [use('accuracy')],
      name: undefined,
    }
    const plain = await toPlain(asSpec({ ...spec, variants: { a: { prior: use('flat') } } }))
    expect(plain).toEqual({
      dataset: { use: 'subset', of: { use: 'idx', root: 'x' }, sizes: [1, 2] },
      evaluations: [{ use: 'accuracy' }],
      variants: { a: { prior: { use: 'flat' } } },
    })
    expect(await toPlain(asSpec(JSON.parse(JSON.stringify(plain)) as object))).toEqual(plain)
  })

  it('writes objects as their kind and a digest of source and data', async () => {
    class Wall {
      constructor(readonly height: number) {}
      energy(): number {
        return this.height
      }
    }
    const digestOf = async (prior: object) => ((await toPlain(asSpec({ prior }))) as { prior: { inline: string; digest: string } }).prior
    const [one, same, higher, other] = await Promise.all([
      digestOf(new Wall(1)),
      digestOf(new Wall(1)),
      digestOf(new Wall(2)),
      digestOf({ energy: () => 3 }),
    ])
    expect(one.inline).toBe('prior')
    expect(same).toEqual(one)
    expect(new Set([one.digest, higher.digest, other.digest]).size).toBe(3)
    const table = (x: number) => digestOf({ energy: () => 0, table: Float32Array.of(0, x) })
    expect(await table(1)).toEqual(await table(1))
    expect((await table(1)).digest).not.toBe((await table(2)).digest)
  })

  it('writes where learning starts', async () => {
    const posterior = (x: number) => ({
      predict: () => 0,
      save: () => ({ kind: 'map', values: { x: { shape: [], dtype: 'float32', data: Float32Array.of(x) } }, meta: {} }),
    })
    const plain = async (initial: unknown) => ((await toPlain(asSpec({ initial }))) as { initial: Json }).initial
    expect(await plain('runs/a')).toBe('runs/a')
    expect(await plain({ id: 'a', folder: 'runs/a', posterior: posterior(1) })).toBe('runs/a')
    expect(await plain({ id: 'a', posterior: posterior(1) })).toEqual(await plain(posterior(1)))
    expect(await plain(posterior(1))).not.toEqual(await plain(posterior(2)))
  })
})

describe('specDigest', () => {
  it('depends on content alone', async () => {
    expect(await specDigest({ name: 'a', seed: 0, model: { use: 'mlp', hidden: [1] } })).toBe(
      await specDigest({ model: { hidden: [1], use: 'mlp' }, seed: 0 }),
    )
    expect(await specDigest({ seed: 0 })).not.toBe(await specDigest({ seed: 1 }))
    expect(await sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})

describe('nearest', () => {
  it('counts edits', () => {
    expect([editDistance('kitten', 'sitting'), editDistance('', 'abc'), editDistance('same', 'same')]).toEqual([3, 3, 0])
    expect(nearest('fsbe', ['fseb', 'lmap', 'flat'])).toEqual(['fseb'])
    expect(nearest('Laplce', ['laplace', 'swag'])).toEqual(['laplace'])
  })
})

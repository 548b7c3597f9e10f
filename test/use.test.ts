import { parseSlots, Reference, slot, use } from 'ockham'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import './types/catalogue.js'

describe('use', () => {
  it('is a reference of a name and its options', () => {
    const idx: unknown = use('test-idx', { root: 'data' })
    expect(idx).toBeInstanceOf(Reference)
    expect(idx).toEqual({ name: 'test-idx', options: { root: 'data' } })
  })

  it('nests, and copies the options it is given', () => {
    const options = { of: use('test-idx', { root: 'data' }), size: 3 }
    const subset = use('test-subset', options) as unknown as Reference
    options.size = 4
    expect(subset.options['size']).toBe(3)
    expect(subset.options['of']).toBeInstanceOf(Reference)
  })

  it('needs no options where all have defaults', () => {
    expect((use('test-map') as unknown as Reference).options).toEqual({})
  })
})

describe('slot', () => {
  const schema = z.strictObject({ of: slot('dataset') })
  const instance = { meta: {}, read: () => ({}) }

  it.each([
    ['a reference', use('test-idx', { root: 'data' })],
    ['a name', 'test-idx'],
    ['YAML', { use: 'test-idx', root: 'data' }],
  ])('takes %s as a reference', (_, of) => {
    const { parsed, slots } = parseSlots(schema, { of })
    const held = (parsed.data as { of: Reference }).of
    expect(held).toBeInstanceOf(Reference)
    expect(held.name).toBe('test-idx')
    expect(slots.get(held)).toEqual(['dataset'])
  })

  it('takes an instance of its kind as it is, and nothing else', () => {
    expect((schema.parse({ of: instance }) as { of: unknown }).of).toBe(instance)
    expect(schema.safeParse({ of: { energy: () => 0 } }).success).toBe(false)
    expect(schema.safeParse({ of: 3 }).error?.issues[0]?.message).toMatch(/^expected a dataset/)
  })
})

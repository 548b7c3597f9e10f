import { describe, expect, it } from 'vitest'
import type { InputError } from 'ockham'
import { parseYaml, toYaml } from './yaml.js'

const problemsOf = (text: string): string[] => {
  try {
    parseYaml(text, 'spec.yaml')
  } catch (error) {
    return (error as InputError).problems.map((p) => `${p.code} ${p.where ?? ''}`)
  }
  return []
}

describe('parseYaml', () => {
  it('reads data and writes the same data', () => {
    const plain = { seed: 0, prior: { use: 'fseb', covScale: 0.01, context: { use: 'glyphs' } }, bounds: ['kl-inverse'] }
    expect(parseYaml(toYaml(plain), 's')).toEqual(plain)
  })

  it('reports duplicate keys, anchors, aliases, tags and polluting keys, all at once, with their lines', () => {
    const text = 'seed: 1\nseed: 2\nmodel: &m {use: mlp}\nprior: *m\n__proto__: {a: 1}\nname: !!js/function x\n'
    expect(problemsOf(text)).toEqual([
      'OCK-SPEC-011 spec.yaml:2',
      'OCK-SPEC-014 spec.yaml:6',
      'OCK-SPEC-012 spec.yaml:3',
      'OCK-SPEC-012 spec.yaml:4',
      'OCK-SPEC-013 spec.yaml:5',
    ])
    expect(({} as { a?: number }).a).toBeUndefined()
  })

  it('reports broken YAML', () => {
    expect(problemsOf('a: [1, 2')[0]).toMatch(/^OCK-SPEC-010 spec.yaml:1/)
  })
})

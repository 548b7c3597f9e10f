import { describe, expect, it } from 'vitest'
import { applySweeps, sweepOf } from './sweep.js'
import { parseYaml } from './yaml.js'

const sweep = (text: string) => sweepOf(text, (right) => parseYaml(right, '--sweep'))

describe('applySweeps', () => {
  it('makes a variant of each value', () => {
    const spec = { seed: 0, prior: { use: 'normal', scale: 1 } }
    expect(applySweeps(spec, [sweep('prior.scale=[0.01,1]')])).toEqual({
      ...spec,
      variants: { 'scale-0.01': { prior: { use: 'normal', scale: 0.01 } }, 'scale-1': { prior: { use: 'normal', scale: 1 } } },
    })
  })

  it('combines sweeps with each other and with the variants there are, each in its own fields', () => {
    const spec = { prior: 'flat', inference: { use: 'map', steps: 1 }, variants: { a: {}, b: { prior: { use: 'normal', scale: 2 } } } }
    const { variants } = applySweeps(spec, [sweep('inference.steps=[5,6]'), sweep('prior=[flat,{use: normal}]')]) as {
      variants: Record<string, object>
    }
    expect(Object.keys(variants)).toEqual(
      ['a', 'b'].flatMap((v) => ['5', '6'].flatMap((s) => ['flat', 'normal'].map((p) => `${v}-steps-${s}-prior-${p}`))),
    )
    expect(variants['b-steps-6-prior-normal']).toEqual({ prior: { use: 'normal' }, inference: { use: 'map', steps: 6 } })
  })

  it('refuses what is no list, and names that are not different', () => {
    expect(() => sweep('prior.scale=1')).toThrow(/OCK-SPEC-029/)
    expect(() => sweep('=[1]')).toThrow(/OCK-SPEC-029/)
    expect(() => applySweeps({ a: 1 }, [sweep('a=[1,1]')])).toThrow(/same name/)
  })
})

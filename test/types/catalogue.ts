/* A small catalogue to compose with: names begin with `test-`, so that they meet no plugin's. */
import { component, ENGINE, slot } from 'ockham'
import type { Dataset, Inference, Posterior, Prior } from 'ockham'
import { z } from 'zod'

export const idxOptions = z.strictObject({ root: z.string() })
export const subsetOptions = z.strictObject({ of: slot('dataset'), size: z.int().positive() })
export const fsebOptions = z.strictObject({ context: slot('dataset'), covScale: z.number().positive().default(0.01) })
export const mapOptions = z.strictObject({ epochs: z.int().positive().default(1), optimizer: slot('optimizer').optional() })
export const ensembleOptions = z.strictObject({ of: slot('inference'), members: z.int().min(2).default(5) })
export const mixtureOptions = z.strictObject({ of: z.array(slot('inference')), against: z.array(slot('dataset')).optional() })

declare module 'ockham' {
  interface Catalog {
    'test-idx': { kind: 'dataset'; options: z.input<typeof idxOptions> }
    'test-subset': { kind: 'dataset'; options: z.input<typeof subsetOptions> }
    'test-fseb': { kind: 'prior'; options: z.input<typeof fsebOptions> }
    'test-map': { kind: 'inference'; options: z.input<typeof mapOptions> }
    'test-ensemble': { kind: 'inference'; options: z.input<typeof ensembleOptions> }
    'test-mixture': { kind: 'inference'; options: z.input<typeof mixtureOptions> }
  }
}

declare const dataset: Dataset
declare const prior: Prior
declare const inference: Inference

export const idx = component({
  kind: 'dataset',
  name: 'test-idx',
  about: 'A leaf',
  options: idxOptions,
  create: ({ root }) => (root === '' ? dataset : dataset),
})

export const fseb = component({
  kind: 'prior',
  name: 'test-fseb',
  about: 'Options that hold a component; needs of its own',
  options: fsebOptions,
  needs: { engine: ENGINE },
  create({ context, covScale }, { engine }) {
    // In `create` references are instances and defaults are there; an injected engine is an Engine.
    const classes: readonly string[] | undefined = context.meta.classes
    const scale: number = covScale
    const name: string = engine.name
    // @ts-expect-error an engine has no such member
    void engine.sing
    // @ts-expect-error nothing else was asked for
    void ({} as Parameters<typeof fseb.create>[1]).events
    return classes && scale > 0 && name ? prior : prior
  },
})

export const mixture = component({
  kind: 'inference',
  name: 'test-mixture',
  about: 'Slots in arrays, optional ones too',
  options: mixtureOptions,
  async create({ of, against }) {
    const members: readonly Inference[] = of
    const others: readonly Dataset[] | undefined = against
    // @ts-expect-error it may be absent
    void against.length
    const posterior: Promise<Posterior> | undefined = members[0]?.infer(...([] as unknown as Parameters<Inference['infer']>))
    await posterior
    return others ? inference : members[0]!
  },
})

export const single = component({
  kind: 'inference',
  name: 'test-map',
  about: 'An optional slot',
  options: mapOptions,
  create({ optimizer, epochs }) {
    const decays: boolean | undefined = optimizer?.decays
    // @ts-expect-error it may be absent
    void optimizer.decays
    return decays && epochs > 0 ? inference : inference
  },
})

export const wrongKind = component({
  kind: 'prior',
  name: 'test-wrong',
  about: 'What create returns is checked against the kind',
  options: idxOptions,
  // @ts-expect-error a dataset is no prior
  create: () => dataset,
})

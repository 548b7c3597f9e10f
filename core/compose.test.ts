import { container as root, type DependencyContainer } from 'tsyringe'
import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  check,
  component,
  compose,
  DATASET,
  definePlugin,
  deriveRegistry,
  fromPlain,
  InputError,
  MODEL,
  Registry,
  RunError,
  slot,
  token,
  type Bound,
  type Dataset,
  type Evaluation,
  type Fault,
  type Inference,
  type Json,
  type Model,
  type Objective,
  type Optimizer,
  type PipelineSpec,
  type Plugin,
  type Prior,
  Shared,
  type Surroundings,
} from 'ockham'

const unused = (): never => {
  throw new Error('nothing runs in these tests')
}
const made: string[] = []
const disposed: string[] = []
const LAMP = token<string>('test/lamp')

/** An instance that says when it is made and disposed, and keeps its options. */
const log = <T extends object>(name: string, members: T): T & { options?: unknown } => {
  made.push(name)
  return { ...members, dispose: () => void disposed.push(name) }
}
const asDataset = (name: string, options: unknown): Dataset & { options: unknown } =>
  log(name, {
    options,
    meta: { task: 'classification', splits: { train: 3 }, shapes: {}, digest: name, licence: 'none' } as const,
    read: unused,
  })
const asModel = (name: string, options: unknown): Model => log(name, { options, init: unused, apply: unused })
const asObjective: Objective = { loss: unused, predict: unused }
const asPrior = (name: string, options: unknown): Prior => log(name, { options, energy: unused })
const asInference = (name: string, options: unknown): Inference => log(name, { options, infer: unused, restore: unused })
const asBound = (name: string): Bound => log(name, { certify: unused })

const empty = z.strictObject({})
const about = 'for tests'
const plugins: Record<string, Plugin> = {
  data: definePlugin({
    name: 'data',
    provides: [
      component({
        ...{ kind: 'dataset', name: 'file', about },
        options: z.strictObject({ root: z.string().min(1) }),
        create: (options) => {
          if (options.root === 'missing') throw new InputError({ code: 'OCK-DATA-001', what: 'there is no folder missing' })
          if (options.root === 'broken') throw new TypeError('broken')
          return asDataset(`file ${options.root}`, options)
        },
      }),
      component({
        ...{ kind: 'dataset', name: 'subset', about },
        options: z.strictObject({ of: slot('dataset'), size: z.number().int().positive().default(2) }),
        create: (options) => asDataset(`subset of ${options.of.meta.digest}`, options),
      }),
      component({
        ...{ kind: 'dataset', name: 'circular', about },
        options: empty,
        needs: { model: MODEL },
        create: () => asDataset('circular', {}),
      }),
    ],
  }),
  core: definePlugin({
    name: 'core',
    provides: [
      component({
        ...{ kind: 'model', name: 'mlp', about },
        options: z.strictObject({ hidden: z.array(z.number()).default([]) }),
        needs: { dataset: DATASET },
        create: (options, { dataset }) => asModel(`mlp on ${dataset.meta.digest}`, options),
      }),
      component({
        ...{ kind: 'objective', name: 'cross-entropy', about },
        options: empty,
        offers: ['root'],
        create: () => log('ce', asObjective),
      }),
      component({ ...{ kind: 'prior', name: 'flat', about }, options: empty, create: () => asPrior('flat', {}) }),
      component({
        ...{ kind: 'prior', name: 'context', about },
        options: z.strictObject({ context: slot('dataset'), scale: z.number().positive().default(1) }),
        create: (options) => asPrior(`context ${options.context.meta.digest}`, options),
      }),
      component({
        ...{ kind: 'prior', name: 'lit', about },
        options: empty,
        needs: { lamp: LAMP },
        create: (_, { lamp }) => asPrior(`lit by ${lamp}`, {}),
      }),
    ],
  }),
  learn: definePlugin({
    name: 'learn',
    provides: [
      component({
        ...{ kind: 'optimizer', name: 'adam', about },
        options: z.strictObject({ rate: z.number().default(0.1) }),
        create: (): Optimizer => log('adam', { init: unused, update: unused }),
      }),
      component({
        ...{ kind: 'inference', name: 'map', about },
        options: z.strictObject({ epochs: z.number().int().default(1), optimizer: slot('optimizer').prefault('adam' as never) }),
        offers: ['weights'],
        create: (options) => asInference('map', options),
      }),
      component({
        ...{ kind: 'inference', name: 'ensemble', about },
        options: z.strictObject({ of: z.array(slot('inference')), members: z.record(z.string(), slot('inference')).optional() }),
        offers: (options, offersOf) => ['mixture', ...options.of.flatMap(offersOf)],
        create: (options) => asInference(`ensemble of ${options.of.length}`, options),
      }),
      component({
        ...{ kind: 'inference', name: 'laplace', about },
        options: z.strictObject({ after: slot('inference') }),
        requires: { inference: ['weights'], objective: ['root'], prior: ['gaussian'], engine: ['float64'] },
        create: (options) => asInference('laplace', options),
      }),
      component({
        ...{ kind: 'inference', name: 'type-two', about },
        options: empty,
        requires: { process: [] },
        create: () => asInference('type-two', {}),
      }),
    ],
  }),
  judge: definePlugin({
    name: 'judge',
    provides: [
      component({
        ...{ kind: 'evaluation', name: 'ood', about },
        options: z.strictObject({ against: slot('dataset') }),
        create: (options): Evaluation => log(`ood ${options.against.meta.digest}`, { options, evaluate: unused }),
      }),
      component({
        ...{ kind: 'bound', name: 'compression', about },
        options: empty,
        requires: { inference: ['message'] },
        create: () => asBound('compression'),
      }),
      component({ ...{ kind: 'bound', name: 'binomial', about }, options: empty, create: () => asBound('binomial') }),
    ],
  }),
}

let imported: string[]
let around: Surroundings & { container: DependencyContainer }

beforeEach(() => {
  made.length = disposed.length = 0
  imported = []
  const manifests = Object.entries(plugins).map(([place, { name, provides }]) => [
    place,
    { name, about, provides: provides.map((p) => ({ kind: p.kind, name: p.name, about })) },
  ])
  const registry = new Registry(deriveRegistry(Object.fromEntries(manifests) as Record<string, unknown>), (place) => {
    imported.push(place)
    return Promise.resolve(plugins[place])
  })
  around = { registry, container: root.createChildContainer(), capabilities: new Set(['loop']) }
})

const withoutModel = { dataset: { use: 'file', root: 'a' }, objective: 'cross-entropy', inference: 'map' }
const base = { ...withoutModel, model: 'mlp' }
const plain = (changes: { [field: string]: Json } = {}): PipelineSpec => fromPlain({ ...base, ...changes })
const problems = async (spec: PipelineSpec): Promise<readonly Fault[]> => {
  const error: unknown = await check(spec, around).then(unused, (e: unknown) => e)
  expect(error).toBeInstanceOf(InputError)
  return (error as InputError).problems
}
const faults = async (changes: { [field: string]: Json }) => (await problems(plain(changes))).map((p) => `${p.code} ${p.where}: ${p.what}`)

describe('composing', () => {
  it('makes each part before those that need it, slots first, and imports only what is named', async () => {
    const { seed, delta, dispose, evaluations, ...parts } = await compose(
      plain({ evaluations: [{ use: 'ood', against: { use: 'file', root: 'b' } }] }),
      around,
    )
    expect(made).toEqual(['file a', 'mlp on file a', 'ce', 'flat', 'adam', 'map', 'file b', 'ood file b'])
    expect(imported.sort()).toEqual(['core', 'data', 'judge', 'learn'])
    expect({ seed, delta }).toEqual({ seed: 0, delta: 0.05 })
    expect(evaluations.map((e) => e.name)).toEqual(['ood'])
    expect(parts.offers).toMatchObject({ objective: ['root'], inference: ['weights'] })
    expect(Object.isFrozen(await compose(plain(), around))).toBe(true)
    await dispose()
  })

  it('imports nothing that the spec does not name', async () => {
    const given = {
      ...base,
      prior: asPrior('mine', {}),
      model: asModel('mine', {}),
      objective: asObjective,
      inference: asInference('mine', {}),
    }
    await compose(given as unknown as PipelineSpec, around)
    expect(imported).toEqual(['data'])
  })

  it('disposes what it created in reverse, once, and never what it was given', async () => {
    const composition = await compose({ ...plain(), prior: asPrior('mine', {}) }, around)
    await composition.dispose()
    await composition.dispose()
    expect(disposed).toEqual(['map', 'adam', 'ce', 'mlp on file a', 'file a'])
  })

  it('fills slots two deep, in lists and records, with instances and their parsed options', async () => {
    const deep = { use: 'subset', of: { use: 'subset', of: { use: 'file', root: 'a' }, size: 3 } }
    const inference = { use: 'ensemble', of: ['map', { use: 'ensemble', of: ['map'] }], members: { first: 'map' } }
    const { dataset, inference: ensemble } = (await compose(plain({ dataset: deep, inference }), around)) as unknown as Record<
      string,
      { options: Record<string, never> }
    >
    expect(dataset).toMatchObject({ options: { size: 2, of: { options: { size: 3, of: { options: { root: 'a' } } } } } })
    expect(ensemble).toMatchObject({
      options: { of: [{ options: { epochs: 1 } }, { options: { of: [{ options: { epochs: 1 } }] } }], members: { first: { options: {} } } },
    })
  })

  it('takes an instance wherever a name may stand', async () => {
    const mine = asDataset('mine', {})
    const spec = { ...plain(), prior: { energy: unused }, dataset: { use: 'subset', of: mine } } as unknown as PipelineSpec
    const composition = await compose(spec, around)
    expect((composition.dataset as unknown as { options: { of: unknown } }).options.of).toBe(mine)
    expect(composition.plain).toMatchObject({
      prior: { inline: 'prior', digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      dataset: { use: 'subset', of: { inline: 'dataset' } },
      model: { use: 'mlp' },
      seed: 0,
    })
  })

  it('gives what the host registered, and keeps runs apart', async () => {
    around.container.registerInstance(LAMP, 'oil')
    await compose(plain({ prior: 'lit' }), around)
    expect(made).toContain('lit by oil')
    expect(around.container.isRegistered(DATASET, true)).toBe(false)
  })
})

describe('checking', () => {
  it('finds all problems at once, at any depth, before anything is made', async () => {
    const found = await faults({
      seed: -1,
      datasett: 1,
      dataset: { use: 'file', root: '', rot: 1 },
      model: 'adam',
      prior: { use: 'context', context: { use: 'flat' }, scale: 0 },
      inference: { use: 'ensemble', of: ['mapp', { use: 'laplace', after: { use: 'map', epochs: 'two' } }] },
      bounds: ['binomal', 3],
    })
    expect(found).toEqual([
      'OCK-SPEC-022 seed: Too small: expected number to be >=0, not -1',
      'OCK-SPEC-022 bounds.1: expected a bound: its name, { use: name, ...options }, or an object that is one, not 3',
      "OCK-SPEC-022 datasett: there is no 'datasett' here",
      'OCK-SPEC-022 dataset.root: Too small: expected string to have >=1 characters, not ""',
      "OCK-SPEC-022 dataset.rot: there is no 'rot' here",
      "OCK-SPEC-021 model: 'adam' is an optimizer, not a model or process",
      'OCK-SPEC-022 prior.scale: Too small: expected number to be >0, not 0',
      "OCK-SPEC-021 prior.context: 'flat' is a prior, not a dataset",
      "OCK-SPEC-020 inference.of.0: there is no inference named 'mapp'",
      'OCK-SPEC-022 inference.of.1.after.epochs: Invalid input: expected number, not "two"',
    ])
    expect(made).toEqual([])
  })

  it('proposes the nearest names', async () => {
    const [unknown, option] = await problems(plain({ inference: 'esnemble', dataset: { use: 'file', root: 'a', rot: 1 } }))
    expect([unknown?.remedy, option?.remedy]).toEqual(["did you mean 'root'?", "did you mean 'ensemble'?"])
  })

  it('refuses parts that do not fit together', async () => {
    const inference = { use: 'laplace', after: { use: 'laplace', after: 'map' } }
    expect(await faults({ inference, bounds: ['compression'] })).toEqual([
      "OCK-SPEC-023 inference.after: 'laplace' requires 'gaussian' of the prior 'flat' (prior), which does not offer it",
      "OCK-SPEC-023 inference.after: 'laplace' requires an engine with float64",
      "OCK-SPEC-023 inference: 'laplace' requires 'weights' of the inference 'laplace' (inference.after), which does not offer it",
      "OCK-SPEC-023 inference: 'laplace' requires 'gaussian' of the prior 'flat' (prior), which does not offer it",
      "OCK-SPEC-023 inference: 'laplace' requires an engine with float64",
      "OCK-SPEC-023 bounds.0: 'compression' requires 'message' of the inference 'laplace' (inference), which does not offer it",
    ])
    expect(await faults({ inference: 'type-two' })).toEqual(["OCK-SPEC-023 inference: 'type-two' requires a process, and there is none"])
  })

  it('asks given objects by their members, and cannot ask a given inference', async () => {
    const able = { ...around, capabilities: new Set(['float64']) }
    const laplace = { use: 'laplace', after: { use: 'ensemble', of: ['map'] } }
    const gaussian = { energy: unused, gaussian: unused }
    await check({ ...plain({ inference: laplace }), prior: gaussian }, able)
    await check({ ...plain({ bounds: ['compression'] }), inference: asInference('mine', {}) }, able)
    await expect(check({ ...plain({ inference: laplace }), prior: { energy: unused } }, able)).rejects.toThrow("'gaussian'")
  })

  it('refuses needs that nothing fills', async () => {
    expect(await faults({ prior: 'lit', dataset: 'circular' })).toEqual([
      "OCK-SPEC-024 dataset: 'circular' needs model, which is made after it",
      "OCK-SPEC-024 prior: 'lit' needs lamp, which this host does not provide",
    ])
  })

  it('refuses keys that pollute prototypes, from text and from code', async () => {
    const text = '{"model": {"use": "mlp", "__proto__": {"x": 1}}, "constructor": 1, "bounds": [{"prototype": 1}]}'
    expect(() => fromPlain(JSON.parse(text) as Json)).toThrow(/model.__proto__[^]*constructor[^]*bounds.0.prototype/)
    const code = JSON.parse('{"use": "mlp", "hidden": [], "__proto__": {"x": 1}}') as never
    expect((await problems({ ...plain(), model: code }))[0]).toMatchObject({ code: 'OCK-SPEC-013', where: 'model.__proto__' })
    expect(() => fromPlain('mlp')).toThrow('OCK-SPEC-028')
  })

  it('does not take a misspelt mapping, or the record of an object, for an instance', async () => {
    expect(await faults({ prior: { ues: 'flat' }, dataset: { inline: 'dataset', digest: '0' } })).toEqual([
      'OCK-SPEC-022 dataset: a dataset was given as an object here, which a file cannot hold',
      'OCK-SPEC-022 prior: expected a prior: its name, { use: name, ...options }, or an object that is one',
    ])
  })
})

describe('creating', () => {
  it('collects bad input of several components, and disposes what it had made', async () => {
    const spec = plain({
      dataset: { use: 'subset', of: { use: 'file', root: 'missing' } },
      evaluations: ['a', 'missing'].map((root) => ({ use: 'ood', against: { use: 'file', root } })),
    })
    const error = (await compose(spec, around).catch((e: unknown) => e)) as InputError
    expect(error.problems.map((p) => p.where)).toEqual(['dataset.of', 'evaluations.1.against'])
    expect(error).toBeInstanceOf(InputError)
    expect(made).toEqual(['ce', 'flat', 'adam', 'map', 'file a', 'ood file a'])
    expect(disposed).toEqual([...made].reverse())
  })

  it('says what failed when a component breaks', async () => {
    const error = (await compose(plain({ prior: { use: 'context', context: { use: 'file', root: 'broken' } } }), around).catch(
      (e: unknown) => e,
    )) as RunError
    expect(error).toBeInstanceOf(RunError)
    expect(error.message).toBe("OCK-SPEC-030 at prior.context: creating 'file' failed: TypeError: broken")
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(disposed).toEqual(['ce', 'mlp on file a', 'file a'])
  })
})

describe('variants', () => {
  it('change the fields they name, with every seed', async () => {
    const variants = { small: { model: { use: 'mlp', hidden: [2] } }, large: { model: { use: 'mlp', hidden: [9] }, delta: 0.1 } }
    const runs = await check(fromPlain({ ...withoutModel, variants, seeds: [0, 7] }), around)
    expect(runs.map((r) => r.name)).toEqual(['small-seed-0', 'small-seed-7', 'large-seed-0', 'large-seed-7'])
    expect(runs[3]?.plain).toMatchObject({ seed: 7, delta: 0.1, model: { use: 'mlp', hidden: [9] }, prior: { use: 'flat' } })
    expect(runs[3]?.plain).not.toHaveProperty('variants')
    const large = await runs[3]!.create()
    expect([large.seed, large.delta]).toEqual([7, 0.1])
    await expect(compose(plain({ seeds: [0, 1] }), around)).rejects.toThrow('this spec is 2 runs')
  })

  it('share datasets of equal options, which are disposed with the last run that holds them', async () => {
    const ood = (dataset: string): Json => [{ use: 'ood', against: { use: 'file', root: dataset } }]
    const variants = { one: { evaluations: ood('a') }, two: { evaluations: ood('b') }, three: { dataset: { root: 'b', use: 'file' } } }
    const shared = new Shared()
    const [one, two, three] = await Promise.all((await check(plain({ variants }), around)).map((run) => run.create(shared)))
    expect(made.filter((name) => name.startsWith('file'))).toEqual(['file a', 'file b'])
    expect(one!.dataset).toBe(two!.dataset)
    expect(three!.dataset).not.toBe(two!.dataset)
    await one!.dispose()
    await one!.dispose()
    await three!.dispose()
    expect(disposed.filter((name) => name.startsWith('file'))).toEqual([])
    await two!.dispose()
    expect(disposed.filter((name) => name.startsWith('file'))).toEqual(['file b', 'file a'])
    const alone = await Promise.all((await check(plain({ seeds: [0, 1] }), around)).map((run) => run.create()))
    expect(alone[0]!.dataset).not.toBe(alone[1]!.dataset)
  })

  it('are checked too, each problem once and where it stands', async () => {
    const found = await faults({ objective: 'cross-entropi', variants: { a: { prior: 'flatt' }, b: { prior: 'flat' }, c: { delta: 2 } } })
    expect(found).toEqual([
      "OCK-SPEC-020 objective: there is no objective named 'cross-entropi'",
      "OCK-SPEC-020 variants.a.prior: there is no prior named 'flatt'",
      'OCK-SPEC-022 variants.c.delta: Too big: expected number to be <1, not 2',
    ])
  })

  it('have names that folders can have, and no variants of their own', async () => {
    const variants = { '../x': {}, constructor: {}, ok: { seeds: [1] }, also: 3 }
    const found = await problems({ ...plain(), variants })
    expect(found.map((p) => p.where)).toEqual(
      expect.arrayContaining(['variants.../x', 'variants.constructor', 'variants.ok.seeds', 'variants.also']),
    )
    expect((await faults({ seeds: [1, 1] }))[0]).toContain("two runs would be called 'seed-1'")
  })
})

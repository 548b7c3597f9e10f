import type { Advance, Fold, Optimizer, Problem, Run, Sampler, Tensors, Value, Values, Variables } from 'ockham'
import { InputError, RunError } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { parametric } from '../networks/index.js'
import { accumulate, accumulated } from './accumulate.js'
import { asBatch, batches } from './batches.js'
import { alike, bucketing as bucketsOf, type Buckets } from './buckets.js'
import { ask, clipped, type Combine } from './gradient.js'
import { initialVariables } from './initial.js'
import { jointPass } from './pass.js'
import { shuffled, stepsPerEpoch } from './samplers.js'
import { isConstant, rate, type Schedule } from './schedule.js'
import { prefix, under, value } from './trees.js'
import { validator } from './validation.js'
import { Watch, type Early } from './watch.js'

/** Something carried along with the parameters: moments of the trajectory, say. */
export interface Track {
  readonly init: Values
  next(tracked: Tensors, params: Tensors, step: Scalar): Tensors
}

/** Host state that looks at the weights while they are learnt: averages, draws. Saved with each checkpoint. */
export interface Collector extends NonNullable<Fold['host']> {
  /** Steps between looks. */
  readonly every: number
  /** After `done` steps. */
  at(done: number, vars: Variables<Value>): void
}

export interface Descent {
  readonly optimizer: Optimizer
  readonly steps: number
  /** Examples a batch; no more than there are. */
  readonly size: number
  readonly sampler?: Sampler
  readonly schedule?: Schedule
  /** Largest Euclidean norm of the gradient. */
  readonly clip?: number
  /** Batches an update: their gradients are added up, and the last one updates with the mean; 1 unless given. */
  readonly accumulate?: number
  /** Batches of like lengths, cut to the bucket of the longest: one program a bucket. The dataset has a field `length`. */
  readonly buckets?: Partial<Buckets>
  readonly early?: Early
  readonly checkpoint?: Fold['checkpoint']
  readonly combine?: Combine
  readonly track?: Track
  readonly collect?: Collector
  /** Name of the fold, `descent` by default. */
  readonly name?: string
  /** Split that is learnt from, `train` by default. */
  readonly split?: string
}

export interface Descended {
  readonly vars: Variables<Value>
  readonly tracked: Values
  /** Memory of the terms at the end. */
  readonly memory: { readonly objective: Values; readonly prior: Values; readonly optimizer: Values }
}

const validationSplit = 'validation'

/**
 * The descent that every iterative inference shares: Σ w ℓ / Σ w + energy / N over one joint pass a step.
 * Early stopping returns the weights of the best check. Throws `OCK-TRAIN-001` where the loss stops being finite.
 */
export async function descend(problem: Problem, run: Run, options: Descent): Promise<Descended> {
  const { optimizer, steps, early, track, collect, name = 'descent', split = 'train' } = options
  const { dataset, objective, prior } = problem
  const model = parametric(problem.model)
  const count = dataset.meta.splits[split] ?? 0
  const size = Math.min(options.size, count)
  const validates = (dataset.meta.splits[validationSplit] ?? 0) > 0
  check(count, split, early !== undefined && !validates)
  if (optimizer.decays && prior.gaussian)
    run.emit({
      type: 'warning',
      code: 'OCK-TRAIN-010',
      message: 'the optimizer decays weights and the prior is Gaussian: decay counts twice; choose adam or sgd, or the prior flat',
    })

  const key = run.key.fold('init')
  const vars = await initialVariables(problem, model, key.fold('model'))
  const carry: Values = {
    ...prefix('params.', vars.params),
    ...prefix('state.', vars.state),
    ...prefix('optimizer.', optimizer.init(vars.params)),
    ...prefix('objective.', (await objective.init?.(problem, vars, key.fold('objective'))) ?? {}),
    ...prefix('prior.', (await prior.init?.(problem, vars, key.fold('prior'))) ?? {}),
    ...prefix('track.', track?.init ?? {}),
    ...accumulated(vars.params, options.accumulate ?? 1),
  }
  const bucketing = options.buckets && (await bucketsOf(dataset, split, options.buckets))
  const sampler = options.sampler ?? (bucketing ? alike(bucketing) : shuffled())
  const read = batches(dataset, split, { size, sampler, ...(bucketing && { bucketing }) })
  const perEpoch = stepsPerEpoch(count, size)
  const whole = count % size === 0 && !options.sampler && !dataset.meta.shapes['weight']
  const every = early?.every ?? perEpoch
  const looks = collect?.every ?? every
  const watch = new Watch(early)
  const validate = validator(problem, run.engine, size)
  const at = (values: Values): Variables<Value> => ({
    params: under('params.', values),
    frozen: vars.frozen,
    state: under('state.', values),
  })

  const end = await run.fold(name, {
    carry,
    steps,
    step: advance(problem, vars.frozen, options, whole),
    async feed(step, feedKey) {
      return {
        ...prefix('batch.', await read(step, feedKey.fold('batch'))),
        ...prefix('objective.', (await objective.feed?.(step, feedKey.fold('objective'), problem)) ?? {}),
        ...prefix('prior.', (await prior.feed?.(step, feedKey.fold('prior'), problem)) ?? {}),
        ...(options.schedule && !isConstant(options.schedule) && { rate: value([rate(options.schedule, step, steps)], []) }),
      }
    },
    absorb(step, out) {
      const loss = out['loss']!.data[0]!
      const energy = out['energy']!.data[0]!
      if (!Number.isFinite(loss) || !Number.isFinite(energy))
        throw diverged(name, step, `the training loss is ${loss} and the prior's energy ${energy}`)
      watch.add(loss, out['weighted']!.data[1]!)
    },
    sound(values, done) {
      const bad = Object.keys(values).find((n) => n.startsWith('params.') && !values[n]!.data.every(Number.isFinite))
      if (bad) throw diverged(name, done - 1, `the update left ${bad.slice('params.'.length)} not finite`)
    },
    host: collect ? both(watch, collect) : watch,
    visit: {
      every: looks,
      async at(done, now) {
        if (collect) collect.at(done, at(await now.read()))
        // Looks may be more frequent than reports.
        if (Math.floor(done / every) === Math.floor((done - looks) / every)) return
        const train = watch.mean()
        const current = validates ? await now.read() : undefined
        const values = current ? await validate(at(current), validationSplit) : {}
        run.emit({ type: 'epoch', epoch: Math.ceil(done / perEpoch), values: { 'train/loss': train, ...values } })
        if (!early || !current) return
        return watch.check(values[`${validationSplit}/nll`]!, {
          ...prefix('params.', at(current).params),
          ...prefix('state.', at(current).state),
        })
      },
    },
    ...(options.checkpoint && { checkpoint: options.checkpoint }),
  })
  return {
    vars: at(watch.best ?? end),
    tracked: under('track.', end),
    memory: { objective: under('objective.', end), prior: under('prior.', end), optimizer: under('optimizer.', end) },
  }
}

/** Two host states as one. */
const both = (watch: Watch, collect: Collector): NonNullable<Fold['host']> => ({
  save: () => ({ ...prefix('watch.', watch.save()), ...prefix('collect.', collect.save()) }),
  load(saved) {
    watch.load(under('watch.', saved))
    collect.load(under('collect.', saved))
  },
})

/** One step, traced: gradient of the joint pass, then the optimizer's update. */
const advance =
  (problem: Problem, frozen: Values, { optimizer, clip, combine, track, steps, accumulate: parts = 1 }: Descent, whole: boolean): Advance =>
  (carry, feed, { key, step, engine }) => {
    const params = under('params.', carry)
    const state = under('state.', carry)
    const fixed = engine.capture(frozen) as Tensors
    const batch = asBatch(under('batch.', feed))
    const asked = ask({
      engine,
      key: key.fold('combine'),
      batch,
      examples: problem.examples,
      ...(clip !== undefined && parts === 1 && { clip }),
      ...(combine && { combine }),
      pass: (p) =>
        jointPass(problem, {
          vars: { params: p, frozen: fixed, state },
          batch,
          memory: { objective: under('objective.', carry), prior: under('prior.', carry) },
          feed: { objective: under('objective.', feed), prior: under('prior.', feed) },
          key,
          engine,
          progress: step.div<Scalar>(steps),
          whole,
        }),
    })
    const request = {
      params,
      memory: under('optimizer.', carry),
      gradient: asked.gradient,
      key: key.fold('optimizer'),
      step,
      rate: (feed['rate'] as Scalar | undefined) ?? tf.scalar(1),
      examples: problem.examples,
    }
    const then = (g: Tensors): Tensors => (clip === undefined ? g : clipped(g, clip))
    const updated =
      parts === 1 ? { ...optimizer.update(request), carry: {} } : accumulate(optimizer, request, carry, { parts, steps, then })
    const { pass, loss, out } = asked.first()
    return {
      carry: {
        ...prefix('params.', updated.params),
        ...prefix('state.', pass.state),
        ...prefix('optimizer.', updated.memory),
        ...updated.carry,
        ...prefix('objective.', pass.memory.objective),
        ...prefix('prior.', pass.memory.prior),
        ...prefix('track.', track?.next(under('track.', carry), updated.params, step) ?? {}),
      },
      // A pair, since a scalar would be reported as a value of the step.
      out: { loss, energy: pass.energy, ...out, weighted: tf.concat([loss.reshape([1]), pass.weight.sum().reshape([1])]) },
    }
  }

function check(count: number, split: string, blind: boolean): void {
  if (count === 0)
    throw new InputError({
      code: 'OCK-TRAIN-007',
      what: `the dataset has no examples in the split ${split}`,
      where: 'dataset',
      remedy: 'check the split names and sizes of the dataset',
    })
  if (blind)
    throw new InputError({
      code: 'OCK-TRAIN-008',
      what: `early stopping needs a split ${validationSplit}, and the dataset has none`,
      where: 'inference.early',
      remedy: 'give the dataset a validation share, or leave early out',
    })
}

const diverged = (fold: string, step: number, what: string): RunError =>
  new RunError({
    code: 'OCK-TRAIN-001',
    what: `${what}: the descent diverged`,
    where: `${fold}, step ${step}`,
    remedy:
      'lower the learning rate, set clip or warmup, or look for inputs that are not finite; the last checkpoint before this step is kept, and resume with --check-finite names the first operation that made such a number',
  })

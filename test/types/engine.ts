/* Tokens, and what a compiled function takes and gives: inferred from what the function sees. */
import { DATASET, ENGINE, token } from 'ockham'
import type { Carry, Dataset, Engine, Given, HostKey, Key, Needed, Run, Settled, Value, Variables } from 'ockham'
import type { InjectionToken } from 'tsyringe'
import type { Scalar, Tensor } from 'ockham/tensor'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <T extends true>(): T => true as T

export const needs = { engine: ENGINE, dataset: DATASET, clock: token<() => number>('clock') }
holds<Equal<Needed<typeof needs>, { readonly engine: Engine; readonly dataset: Dataset; readonly clock: () => number }>>()
holds<Equal<typeof ENGINE, InjectionToken<Engine>>>()

holds<Equal<Given<Tensor>, Value>>()
holds<Equal<Given<Scalar>, Value | number>>()
holds<Equal<Given<Key>, HostKey>>()
holds<Equal<Settled<{ a: Tensor; b: { c: Scalar } }>, { readonly a: Value; readonly b: { readonly c: Value } }>>()

export async function compiles(engine: Engine, vars: Variables<Value>, x: Value, key: HostKey): Promise<Value> {
  const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key; rate: Scalar }) => ({
    y: a.x
      .matMul(a.vars.params['w']!)
      .mul(a.rate)
      .add(a.key.normal([1])),
  }))
  const { y } = await program({ vars, x, key, rate: 0.5 })
  // @ts-expect-error a rate is missing
  void program({ vars, x, key })
  // @ts-expect-error an input is a Value, not a list
  void program({ vars, x: [1, 2], key, rate: 0.5 })
  // @ts-expect-error what comes back is a Value, which computes nothing
  void y.add
  return y
}

export async function folds(run: Run, carry: Carry): Promise<Value> {
  const end = await run.fold('sum', {
    carry: await carry.read(),
    steps: 3,
    feed: (step, key) => ({ x: key.fold(step).normal([2]) }),
    step: ({ total }, { x }, { key, step, engine }) => ({
      carry: {
        total: total!
          .add(engine.stop(x!))
          .add(key.fold('noise').uniform([2]))
          .mul(step),
      },
      out: { size: x!.square().sum() },
    }),
    absorb: (step, { size }) => run.emit({ type: 'step', fold: 'sum', step, of: 3, values: { size: size!.data[0]! } }),
  })
  // @ts-expect-error a step gives a carry
  void run.fold('none', { carry: {}, steps: 1, step: () => ({}) })
  return end['total']!
}

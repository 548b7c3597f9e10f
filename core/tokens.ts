import type { InjectionToken } from 'tsyringe'
import type { Dataset, Engine, Model, Objective, Prior } from './contracts/index.js'

/** A typed token: `needs: { engine: ENGINE }` gives `create` an Engine. `Symbol.for` keeps identity across copies of core. */
export const token = <T>(name: string): InjectionToken<T> => Symbol.for(`ockham/${name}`)

export const ENGINE = token<Engine>('engine')
/** The run's own parts, registered in its child container as they are made, in this order. */
export const DATASET = token<Dataset>('dataset')
export const MODEL = token<Model>('model')
export const OBJECTIVE = token<Objective>('objective')
export const PRIOR = token<Prior>('prior')

/** What a component wants injected, by the name it wants to call it. */
export type Needs = Readonly<Record<string, InjectionToken<unknown>>>

/** The record that `create` gets. */
export type Needed<N extends Needs> = { readonly [K in keyof N]: N[K] extends InjectionToken<infer T> ? T : never }

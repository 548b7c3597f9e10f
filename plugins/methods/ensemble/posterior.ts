import { hostKey, type HostKey, type Json, type Posterior, type Saved } from 'ockham'
import { average, prefix, under } from '../../parts/training/index.js'

/** Posteriors that predict together, each as likely as the others. */
export interface Ensemble extends Posterior {
  readonly members: readonly Posterior[]
}

interface Meta {
  readonly members: readonly { readonly kind: string; readonly meta: Json }[]
}

/** A member at random. */
const draw = (members: readonly Posterior[], key: HostKey): Posterior => members[key.fold('member').integers([1], members.length).data[0]!]!

/**
 * The mixture of the members. `predict` averages the distributions of all of them, or, where `samples` are asked for, of that many drawn at
 * random; a draw of weights is one of a random member, and the point is the first member's.
 */
export function ensembleOf(members: readonly Posterior[]): Ensemble {
  const distributions = members.flatMap(({ weights }) => (weights ? [weights] : []))
  return {
    members,
    async predict(x, { samples = 0, key = hostKey(0).fold('ensemble') } = {}) {
      const chosen = samples === 0 ? members : Array.from({ length: samples }, (_, s) => draw(members, key.fold(s)))
      const predictions = []
      for (const [i, member] of chosen.entries()) predictions.push(await member.predict(x, { key: key.fold(i) }))
      return average(predictions)
    },
    ...(distributions.length === members.length && {
      weights: {
        point: () => distributions[0]!.point(),
        sample: (key) => draw(members, key).weights!.sample(key.fold('weights')),
      },
    }),
    save() {
      const saved = members.map((member) => member.save())
      return {
        kind: 'ensemble',
        values: Object.assign({}, ...saved.map(({ values }, i) => prefix(`member.${i}.`, values))) as Saved['values'],
        meta: { members: saved.map(({ kind, meta }) => ({ kind, meta })) },
      }
    },
  }
}

/** What each member saved. */
export const savedMembers = ({ values, meta }: Saved): Saved[] =>
  (meta as unknown as Meta).members.map((member, i) => ({ ...member, values: under(`member.${i}.`, values) }))

import type { Certificate } from 'ockham'
import { expect, it } from 'vitest'
import { tableOf } from './table.js'

it('several certificates of one bound have a column each', () => {
  const certified = (bound: string, value: number) => ({ bound, value }) as Certificate
  const child = (value: number) => ({
    values: { accuracy: 0.5 },
    certificates: [certified('compression', value), certified('clopper-pearson', 0.1), certified('compression', 2 * value)],
  })
  expect(tableOf({ a: child(0.25), 'b-seed-0': child(0.25), 'b-seed-1': child(0.75) })).toMatchObject([
    { variant: 'a', accuracy: 0.5, compression: 0.25, 'clopper-pearson': 0.1, 'compression.2': 0.5 },
    { variant: 'b', compression: 0.5, 'compression.2': 1, seeds: 2 },
  ])
})

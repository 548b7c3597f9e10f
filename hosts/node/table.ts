import type { Engine, Json, Result } from 'ockham'
import { versions } from './versions.js'

/** One row of the comparison of a run's children; a spread column `<metric> ±` stands where several seeds were run. */
export type Row = Readonly<Record<string, Json>>

type Child = Pick<Result, 'values' | 'certificates'>

const seed = /(^|-)seed-\d+$/

const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length
/** Sample standard deviation. */
const deviation = (xs: readonly number[]): number => Math.sqrt(xs.reduce((a, x) => a + (x - mean(xs)) ** 2, 0) / (xs.length - 1))

/** Values, and what is certified; the second certificate of a bound is called `bound.2`, as its stage is. */
const numbersOf = ({ values, certificates }: Child): Record<string, number> => {
  const numbers = { ...values }
  for (const [i, { bound, value }] of certificates.entries()) {
    const before = certificates.slice(0, i).filter((c) => c.bound === bound).length
    numbers[before === 0 ? bound : `${bound}.${before + 1}`] = value
  }
  return numbers
}

/** A row a variant: the values and certified values, means over its seeds. */
export function tableOf(children: Readonly<Record<string, Child>>): Row[] {
  const groups = new Map<string, Record<string, number>[]>()
  for (const [name, child] of Object.entries(children)) {
    const group = name.replace(seed, '') || 'all seeds'
    groups.set(group, [...(groups.get(group) ?? []), numbersOf(child)])
  }
  return [...groups].map(([variant, runs]) => {
    const row: Record<string, Json> = { variant }
    for (const metric of Object.keys(runs[0]!)) {
      const xs = runs.flatMap((r) => (metric in r ? [r[metric]!] : []))
      row[metric] = mean(xs)
      if (xs.length > 1) row[`${metric} ±`] = deviation(xs)
    }
    if (runs.length > 1) row['seeds'] = runs.length
    return row
  })
}

/** A parent's result: its children's values and certificates, one table, seconds a child. */
export function summary(id: string, spec: Json, runs: Readonly<Record<string, { readonly result: Result }>>, engine: Engine): Result {
  const each = <T>(of: (result: Result) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(runs).map(([n, { result }]) => [n, of(result)]))
  const variants = each(({ run, values, certificates }) => ({ run, values, certificates }))
  return {
    run: id,
    spec,
    values: {},
    tables: { variants: tableOf(variants) },
    figures: {},
    certificates: [],
    timings: each(({ timings }) => Object.entries(timings).reduce((sum, [stage, t]) => (stage.includes('/') ? sum : sum + t), 0)),
    versions: versions(),
    engine: { name: engine.name, build: engine.build },
    variants,
  }
}

/** Rows as CSV; a column for each name that any row has. */
export function toCsv(rows: readonly Readonly<Record<string, Json>>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cell = (value: Json | undefined): string => {
    const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [columns.map(cell), ...rows.map((row) => columns.map((c) => cell(row[c])))].map((line) => `${line.join(',')}\n`).join('')
}

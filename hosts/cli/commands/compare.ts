import type { Command } from 'commander'
import { InputError, type Json, type Result } from 'ockham'
import { findFolder, readResult } from '../../node/folder.js'
import { reading } from '../flags.js'
import { printTable, sayNumber } from '../print.js'

type Flat = Readonly<Record<string, Json>>

interface Compared {
  readonly name: string
  readonly settings: Flat
  readonly values: Readonly<Record<string, number>>
}

/** A spec by path: `inference.optimizer.learningRate`. */
function flat(spec: Json, path = ''): Flat {
  if (typeof spec !== 'object' || spec === null) return { [path]: spec }
  return Object.assign({}, ...Object.entries(spec as Flat).map(([k, v]) => flat(v, path === '' ? k : `${path}.${k}`))) as Flat
}

const numbersOf = ({ values, certificates }: Pick<Result, 'values' | 'certificates'>): Record<string, number> => ({
  ...values,
  ...Object.fromEntries(certificates.map((c) => [`${c.bound} ≤`, c.value])),
})

/** A run, or each of its children. */
function comparedOf(run: string, out: string): Compared[] {
  const folder = findFolder(run, out)
  const result = readResult(folder)
  if (!result) throw new InputError({ code: 'OCK-RUN-013', what: 'the run is not finished', where: folder, remedy: `ockham resume ${run}` })
  if (!result.variants) return [{ name: result.run, settings: flat(result.spec), values: numbersOf(result) }]
  return Object.values(result.variants).map((child) => {
    const own = readResult(findFolder(child.run, out))
    return { name: child.run, settings: own ? flat(own.spec) : {}, values: numbersOf(child) }
  })
}

/** Prints runs side by side: first in what their specs differ, then every value. */
function sideBySide(runs: readonly string[], { out, json }: { readonly out: string; readonly json?: true }): void {
  const compared = runs.flatMap((run) => comparedOf(run, out))
  const paths = [...new Set(compared.flatMap((c) => Object.keys(c.settings)))]
  const different = paths.filter((path) => new Set(compared.map((c) => JSON.stringify(c.settings[path]))).size > 1)
  const metrics = [...new Set(compared.flatMap((c) => Object.keys(c.values)))]
  if (json) {
    const rows = compared.map((c) => ({
      run: c.name,
      settings: Object.fromEntries(different.map((p) => [p, c.settings[p] ?? null])),
      values: c.values,
    }))
    return void process.stdout.write(`${JSON.stringify(rows)}\n`)
  }
  // Runs are told apart by the end of their names.
  const column = new Map(compared.map((c) => [c, c.name.split('/children/').join('/')]))
  const row = (what: string, cell: (c: Compared) => string): Flat => ({
    '': what,
    ...Object.fromEntries(compared.map((c) => [column.get(c)!, cell(c)])),
  })
  const setting = (v: Json | undefined): string => (v === undefined ? '' : typeof v === 'string' ? v : JSON.stringify(v))
  printTable([
    ...different.map((path) => row(path, (c) => setting(c.settings[path]))),
    ...metrics.map((metric) => row(metric, (c) => (c.values[metric] === undefined ? '' : sayNumber(c.values[metric])))),
  ])
}

export function compare(program: Command): void {
  reading(
    program
      .command('compare')
      .description('runs side by side: in what they differ, and what they found')
      .argument('<run...>', 'folders or ids; children are compared too'),
  ).action(sideBySide)
}

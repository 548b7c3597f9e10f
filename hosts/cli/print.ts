import { join } from 'node:path'
import type { Json, Result, Timing } from 'ockham'
import type { Plan } from '../node/plan.js'
import type { RunRecord } from '../node/index.js'

const line = (text = '') => void process.stdout.write(`${text}\n`)

/** Four significant digits; counts whole. */
export const sayNumber = (x: number): string =>
  Number.isInteger(x) ? String(x) : Math.abs(x) >= 1e4 || Math.abs(x) < 1e-4 ? x.toExponential(3) : x.toPrecision(4)

/** The same of what lies below a bound: rounded up, so that what is said holds. */
export function sayAbove(x: number): string {
  const said = sayNumber(x)
  if (Number(said) >= x) return said
  return sayNumber(Number(said) + 10 ** (Math.floor(Math.log10(Math.abs(x))) - 3))
}

const cell = (value: Json | undefined): string =>
  typeof value === 'number' ? sayNumber(value) : typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)

/** Prints rows as aligned columns; numbers to the right. */
export function printTable(rows: readonly Readonly<Record<string, Json>>[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const texts = rows.map((row) => columns.map((c) => cell(row[c])))
  const widths = columns.map((c, i) => Math.max(c.length, ...texts.map((t) => t[i]!.length)))
  const numeric = columns.map((c) => rows.every((row) => typeof row[c] === 'number' || row[c] === undefined))
  const say = (cells: readonly string[]) =>
    line(
      cells
        .map((t, i) => (numeric[i] ? t.padStart(widths[i]!) : t.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
  say(columns)
  say(widths.map((w) => '─'.repeat(w)))
  for (const text of texts) say(text)
}

/** Prints a table of variants with a row a metric: many metrics, few variants. */
function printVariants(rows: readonly Readonly<Record<string, Json>>[]): void {
  const metrics = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((m) => m !== 'variant' && !m.endsWith(' ±'))
  const spread = (row: Readonly<Record<string, Json>>, m: string): string =>
    typeof row[`${m} ±`] === 'number' ? ` ± ${sayNumber(row[`${m} ±`] as number)}` : ''
  printTable(
    metrics.map((metric) => ({
      metric,
      ...Object.fromEntries(rows.map((row) => [row['variant'] as string, cell(row[metric]) + spread(row, metric)])),
    })),
  )
}

/** Prints what a run found and where its files are. */
export function printResult(result: Result, folder: string | undefined): void {
  const variants = result.tables['variants']
  if (variants) printVariants(variants)
  const values = Object.entries(result.values).map(([metric, value]) => ({ metric, value }))
  if (values.length > 0) printTable(values)
  for (const c of result.certificates) {
    line(
      `${c.bound}: ${c.quantity} ≤ ${sayAbove(c.value)} with confidence ${sayNumber(c.confidence)}${c.vacuous ? ' (vacuous)' : ''}, trivial ${sayNumber(c.trivial)}`,
    )
  }
  if (folder === undefined) return
  line()
  line(`run     ${result.run}`)
  line(`report  ${join(folder, 'report.html')}`)
}

export function printRecord({ result, folder }: RunRecord, json: boolean | undefined): void {
  if (json) line(JSON.stringify(result))
  else printResult(result, folder)
}

/** Time a kind of operation, on standard error: the result on standard output stays what it is. */
export function printTimings(times: readonly Timing[]): void {
  const total = times.reduce((sum, t) => sum + t.ms, 0)
  const rows = times.map(({ kind, calls, ms }) => [
    kind,
    String(calls),
    ms.toFixed(1),
    (ms / calls).toFixed(4),
    `${((100 * ms) / total).toFixed(1)} %`,
  ])
  const all = [['operation', 'calls', 'ms', 'ms a call', 'share'], ...rows]
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  for (const row of all)
    process.stderr.write(`${row.map((t, i) => (i === 0 ? t.padEnd(widths[i]!) : t.padStart(widths[i]!))).join('  ')}\n`)
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

export function printPlans(plans: Readonly<Record<string, Plan>>, json: boolean | undefined): void {
  if (json) return line(JSON.stringify(plans))
  printTable(
    Object.entries(plans).map(([name, plan]) => ({
      run: name || 'run',
      parameters: plan.parameters,
      frozen: plan.frozen,
      fold: plan.fold?.name ?? 'none',
      steps: plan.fold?.steps ?? 0,
      'steps a call': plan.fold?.stepsPerCall ?? 0,
      'tensors a call': plan.fold?.tensorsPerCall ?? 0,
      nodes: plan.fold?.nodes ?? 0,
      'state and feeds': plan.memoryBytes === undefined ? '' : mebibytes(plan.memoryBytes),
      'peak of a step': plan.fold === undefined ? '' : mebibytes(plan.fold.peakBytes),
    })),
  )
}

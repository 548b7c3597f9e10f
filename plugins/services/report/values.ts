import { html, none, type Markup } from './html.js'
import { metricOf, ordered, shown, split } from './numbers.js'

type Values = Readonly<Record<string, number>>

/** The few values that say most, large. */
export function headline(values: Values): Markup {
  const names = ordered(Object.keys(values).filter((n) => metricOf(n).higher !== undefined)).slice(0, 6)
  if (names.length === 0) return none
  const tile = (name: string) =>
    html`<div class="tile"><b>${shown(values[name])}</b><span>${metricOf(name).label}</span><small>${split(name).split}</small></div>`
  return html`<div class="tiles">${names.map(tile)}</div>`
}

/** All values: a row a metric, a column a split. */
export function valueTable(values: Values): Markup {
  const names = ordered(Object.keys(values))
  if (names.length === 0) return none
  const splits = [...new Set(names.map((n) => split(n).split))]
  const rows = [...new Set(names.map((n) => split(n).metric))]
  const cell = (metric: string, of: string) => {
    const name = of === '' ? metric : `${of}/${metric}`
    return html`<td>${name in values ? shown(values[name]) : ''}</td>`
  }
  return html`<table>
    <thead>
      <tr>
        <th scope="col">metric</th>
        ${splits.map((s) => html`<th scope="col" class="n">${s}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (m) =>
          html`<tr>
            <th scope="row">${m}</th>
            ${splits.map((s) => cell(m, s))}
          </tr>`,
      )}
    </tbody>
  </table>`
}

/** The best of a value among variants, where one is better and they differ; undefined else. */
function best(name: string, all: readonly Values[]): number | undefined {
  const { higher } = metricOf(name)
  const numbers = all.map((v) => v[name]).filter((x): x is number => typeof x === 'number' && Number.isFinite(x))
  if (higher === undefined || new Set(numbers).size < 2) return undefined
  return higher ? Math.max(...numbers) : Math.min(...numbers)
}

/** Variants up to this many are columns, since values are often more; beyond, they are rows. */
const columns = 6

/** A table from heads and cells, turned or not. */
function grid(rows: readonly Markup[], heads: readonly Markup[], cell: (row: number, column: number) => Markup): Markup {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th></th>
          ${heads.map((h) => html`<th scope="col" class="n">${h}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row, i) =>
            html`<tr>
              <th scope="row">${row}</th>
              ${heads.map((_, j) => html`<td>${cell(i, j)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** Variants side by side, with the best of each value in bold. */
export function comparison(variants: Readonly<Record<string, Values>>): Markup {
  const all = Object.values(variants)
  const names = ordered([...new Set(all.flatMap((v) => Object.keys(v)))])
  if (names.length === 0) return none
  const winners = names.map((n) => best(n, all))
  const cell = (value: number, variant: number): Markup => {
    const x = all[variant]![names[value]!]
    return x !== undefined && x === winners[value] ? html`<b>${shown(x)}</b>` : html`${shown(x)}`
  }
  const variantHeads = Object.keys(variants).map((v) => html`${v}`)
  const valueHeads = names.map((n) => html`${split(n).metric} <small>${split(n).split}</small>`)
  return all.length > columns ? grid(variantHeads, valueHeads, (i, j) => cell(j, i)) : grid(valueHeads, variantHeads, cell)
}

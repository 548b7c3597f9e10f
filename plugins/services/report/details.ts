import type { Json, Result } from 'ockham'
import { stringify } from 'yaml'
import { html, none, type Markup } from './html.js'
import { duration, shown } from './numbers.js'

/** Rows of a table shown; a longer one is cut and says so. */
const longest = 60

const cellOf = (x: Json | undefined): string => (typeof x === 'object' && x !== null ? JSON.stringify(x) : shown(x))

function table(name: string, rows: Result['tables'][string]): Markup {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return html`<details>
    <summary>${name} <small>${rows.length} ${rows.length === 1 ? 'row' : 'rows'}</small></summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${columns.map((c) => html`<th scope="col">${c}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, longest).map(
            (row) =>
              html`<tr>
                ${columns.map((c) => html`<td>${cellOf(row[c])}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${rows.length > longest ? html`<p>The first ${longest}; all are in result.json.</p>` : none}
  </details>`
}

/** The tables of evaluations, folded away. */
export function tableSection(tables: Result['tables']): Markup {
  const all = Object.entries(tables)
  return all.length === 0
    ? none
    : html`<section>
        <h2>Tables</h2>
        ${all.map(([name, rows]) => table(name, rows))}
      </section>`
}

const pairs = (of: Readonly<Record<string, string | number>>): Markup =>
  html`<dl class="pairs">
    ${Object.entries(of).map(
      ([name, x]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${typeof x === 'number' ? shown(x) : x}</dd>
        </div>`,
    )}
  </dl>`

/** The spec, and what the run was made with. */
export const detailSection = ({ spec, timings, versions, engine }: Result): Markup =>
  html`<section class="details">
    <h2>How it was made</h2>
    <div class="columns">
      <div>
        <h3>Spec</h3>
        <pre>${stringify(spec, { lineWidth: 0 }).trimEnd()}</pre>
      </div>
      <div>
        <h3>Seconds a stage</h3>
        ${pairs(Object.fromEntries(Object.entries(timings).map(([stage, s]) => [stage, duration(s)])))}
        <h3>Engine ${engine.name}</h3>
        ${pairs(engine.build)}
        <h3>Versions</h3>
        ${pairs(versions)}
      </div>
    </div>
  </section>`

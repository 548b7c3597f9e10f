import type { Certificate } from 'ockham'
import { html, none, type Markup } from './html.js'
import { shown } from './numbers.js'

/** A certificate with the variant it belongs to, '' for the run's own. */
export interface Owned {
  readonly of: string
  readonly certificate: Certificate
}

const percent = (share: number): string => `${Number((100 * share).toFixed(3))} %`

/** The value on a line from 0 to the trivial value, beside what was observed. */
function scale({ value, trivial, terms }: Certificate): Markup {
  const at = (x: number) => `${(100 * Math.max(0, Math.min(1, x / trivial))).toFixed(2)}%`
  const observed = terms['rate']
  return html`<div class="scale" aria-hidden="true">
      <i style="width:${at(value)}"></i>
      ${observed === undefined ? none : html`<u style="left:${at(observed)}"></u>`}
    </div>
    <div class="ends"><span>0</span><span>trivial: ${shown(trivial)}</span></div>`
}

function card({ of, certificate: c }: Owned): Markup {
  return html`<article class="card">
    <h3>${of === '' ? none : html`<em>${of}</em> `}${c.bound}${c.vacuous ? html` <mark>vacuous</mark>` : none}</h3>
    <p class="claim"><b>≤ ${shown(c.value)}</b> ${c.quantity}, with confidence ${percent(c.confidence)}</p>
    ${scale(c)}
    <dl class="terms">
      ${[['unit', c.unit] as const, ...Object.entries(c.terms)].map(
        ([name, x]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${shown(x)}</dd>
          </div>`,
      )}
    </dl>
    <dl class="digests">
      ${Object.entries(c.digests).map(
        ([name, d]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${d}</dd>
          </div>`,
      )}
    </dl>
  </article>`
}

/** How sure one may be of all of a run's certificates at once. */
function together(all: readonly Owned[]): Markup {
  const runs = new Map<string, number>()
  for (const { of, certificate } of all) runs.set(of, (runs.get(of) ?? 0) + 1 - certificate.confidence)
  const worst = Math.max(...runs.values())
  if (all.length === runs.size) return none
  return html`<p>
    The certificates of ${runs.size > 1 ? 'each variant' : 'this run'} hold together with confidence ${percent(1 - worst)}.
  </p>`
}

/** Cards, and once what all of them assume. */
export function certificateSection(all: readonly Owned[]): Markup {
  if (all.length === 0) return none
  const assumptions = [...new Set(all.flatMap(({ certificate }) => certificate.assumptions))]
  return html`<section>
    <h2>Certificates</h2>
    <div class="cards">${all.map(card)}</div>
    ${together(all)}
    <h3>Assumptions</h3>
    <ol class="assumptions">
      ${assumptions.map((a) => html`<li>${a}</li>`)}
    </ol>
  </section>`
}

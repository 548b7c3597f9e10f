import type { Certificate } from 'ockham'
import { html, none, type Markup } from './html.js'
import { shown, shownAbove } from './numbers.js'

/** A certificate with the variant it belongs to, '' for the run's own. */
export interface Owned {
  readonly of: string
  readonly certificate: Certificate
}

const percent = (share: number): string => `${Number((100 * share).toFixed(3))} %`

interface Part {
  readonly name: string
  readonly size: number
}

/** Parts side by side on a line from 0 to `whole`, and what each is. */
function stacked(parts: readonly Part[], whole: number, say: (part: Part) => string): Markup {
  const width = (size: number): string => `${(100 * Math.max(0, Math.min(1, size / whole))).toFixed(2)}%`
  return html`<div class="stack" aria-hidden="true">
      ${parts.map((p, i) => html`<i class="s${i % 6}" style="width:${width(p.size)}"></i>`)}
    </div>
    <ul class="legend">
      ${parts.map((p, i) => html`<li><i class="s${i % 6}"></i>${p.name} <b>${say(p)}</b></li>`)}
    </ul>`
}

/** What a value is the sum of: what was observed, and what is added for draws and for the choice of the model. */
function partsOf({ value, terms }: Certificate): Part[] {
  const { rate, sampling = 0 } = terms
  if (rate === undefined) return [{ name: 'value', size: value }]
  return [
    { name: 'observed', size: rate },
    ...(sampling > 0 ? [{ name: 'draws', size: sampling }] : []),
    { name: terms['bits'] === undefined ? 'confidence' : 'description and confidence', size: value - rate - sampling },
  ]
}

/** Bits of a description by part, where it has some. */
const bitsOf = ({ terms }: Certificate): Part[] =>
  Object.entries(terms).flatMap(([name, size]) =>
    name.startsWith('bits.') && size > 0 ? [{ name: name.slice('bits.'.length), size }] : [],
  )

function scale(c: Certificate): Markup {
  const bits = bitsOf(c)
  return html`${stacked(partsOf(c), c.trivial, ({ size }) => shown(size))}
    <div class="ends"><span>0</span><span>trivial: ${shown(c.trivial)}</span></div>
    ${
      bits.length === 0
        ? none
        : html`<p class="of">${shown(c.terms['bits'])} bits of description</p>
            ${stacked(bits, c.terms['bits']!, ({ size }) => shown(size))}`
    }`
}

const pairs = (kind: string, all: readonly (readonly [string, string | number])[]): Markup =>
  html`<dl class="${kind}">
    ${all.map(
      ([name, x]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${kind === 'terms' ? shown(x) : x}</dd>
        </div>`,
    )}
  </dl>`

function card({ of, certificate: c }: Owned): Markup {
  return html`<article class="card">
    <h3>${of === '' ? none : html`<em>${of}</em> `}${c.bound}${c.vacuous ? html` <mark>vacuous</mark>` : none}</h3>
    <p class="claim"><b>≤ ${shownAbove(c.value)}</b> ${c.quantity}, with confidence ${percent(c.confidence)}</p>
    ${scale(c)} ${pairs('terms', [['unit', c.unit] as const, ...Object.entries(c.terms)])} ${pairs('digests', Object.entries(c.digests))}
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

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)]

/** How anybody can check the certificates again: the formulas with the terms, the files with their digests, and the message. */
function recheck(all: readonly Owned[]): Markup {
  const formulas = distinct(all.flatMap(({ certificate: c }) => (c.formula === undefined ? [] : [`${c.bound}: ${c.formula}`])))
  const folders = distinct(all.flatMap(({ of, certificate: c }) => (c.digests['message'] === undefined ? [] : [of])))
  return html`<h3>How to check again</h3>
    <ol class="assumptions">
      ${formulas.map((f) => html`<li>${f}</li>`)}
      <li>
        Digests are SHA-256 of <code>posterior.safetensors</code>, of the data, and of the message behind the head of
        <code>message.bin</code>.
      </li>
      ${
        folders.length === 0
          ? none
          : html`<li>
              From the message, the spec and the package alone, the model is rebuilt and evaluated again; the command fails where risk or
              bound differ:
              ${folders.map((of) => html`<pre>ockham certify --decode ${of === '' ? '' : `children/${of}/`}message.bin</pre>`)}
            </li>`
      }
    </ol>`
}

/** Cards, once what all of them assume, and how to check them. */
export function certificateSection(all: readonly Owned[]): Markup {
  if (all.length === 0) return none
  return html`<section>
    <h2>Certificates</h2>
    <div class="cards">${all.map(card)}</div>
    ${together(all)}
    <h3>Assumptions</h3>
    <ol class="assumptions">
      ${distinct(all.flatMap(({ certificate }) => certificate.assumptions)).map((a) => html`<li>${a}</li>`)}
    </ol>
    ${recheck(all)}
  </section>`
}

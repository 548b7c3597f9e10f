import type { Json, Recorded, Result } from 'ockham'
import { certificateSection, type Owned } from './certificates.js'
import { learningCurves, type Source } from './curves.js'
import { detailSection, tableSection } from './details.js'
import { captionOf, Figures } from './figures.js'
import { html, Markup, none } from './html.js'
import { duration } from './numbers.js'
import { style } from './style.js'
import { comparison, headline, valueTable } from './values.js'

/** Child runs by name: what each came to, and what happened in it. */
export type Children = Readonly<Record<string, { readonly result: Result; readonly events: readonly Recorded[] }>>

const isRecord = (v: Json | undefined): v is { readonly [name: string]: Json } => typeof v === 'object' && v !== null && !Array.isArray(v)

const titleOf = ({ spec, run }: Result): string => (isRecord(spec) && typeof spec['name'] === 'string' ? spec['name'] : run)

/** The name in `{ use: name, … }`. */
const used = (v: Json | undefined): string | undefined =>
  typeof v === 'string' ? v : isRecord(v) && typeof v['use'] === 'string' ? v['use'] : undefined

/** What was composed, in the order of the data's way. */
function chain(spec: Json): Markup {
  if (!isRecord(spec)) return none
  const parts = ['dataset', 'model', 'prior', 'objective', 'inference'].flatMap((role) => {
    const name = used(spec[role])
    return name === undefined ? [] : [html`<li><small>${role}</small>${name}</li>`]
  })
  return parts.length === 0
    ? none
    : html`<ul class="chain">
        ${parts}
      </ul>`
}

function head(result: Result, events: readonly Recorded[]): Markup {
  const began = events.find((e) => e.type === 'run.started')?.time
  const seconds = Object.entries(result.timings).reduce((sum, [stage, s]) => (stage.includes('/') ? sum : sum + s), 0)
  const facts = [
    result.run,
    ...(began === undefined ? [] : [began.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')]),
    ...(seconds > 0 ? [duration(seconds)] : []),
    `engine ${result.engine.name}`,
  ]
  return html`<header>
    <h1>${titleOf(result)}</h1>
    <p class="meta">${facts.join(' · ')}</p>
    ${chain(result.spec)}
  </header>`
}

const section = (title: string, content: Markup): Markup =>
  content.text === ''
    ? none
    : html`<section>
        <h2>${title}</h2>
        ${content}
      </section>`

function warnings(events: readonly Recorded[]): Markup {
  const found = [...new Set(events.flatMap((e) => (e.type === 'warning' ? [`${e.code}: ${e.message}`] : [])))]
  return found.length === 0
    ? none
    : html`<ul class="warnings">
        ${found.map((w) => html`<li>${w}</li>`)}
      </ul>`
}

/** The figures of variants, those of one name side by side. */
async function sideBySide(children: Children, figures: Figures): Promise<Markup> {
  const names = [...new Set(Object.values(children).flatMap((c) => Object.keys(c.result.figures)))]
  const rows: Markup[] = []
  for (const name of names) {
    const own = Object.entries(children).flatMap(([variant, { result }]) =>
      result.figures[name] === undefined ? [] : [[variant, result.figures[name]] as const],
    )
    rows.push(
      html`<h3>${captionOf(name)}</h3>
        ${await figures.grid(Object.fromEntries(own), (variant) => variant)}`,
    )
  }
  return html`${rows}`
}

/**
 * One self-contained HTML page of a run: headline values, learning curves, figures, certificates with their terms, assumptions and
 * digests, tables, the spec, timings and versions. With `children`, variants side by side: one table, shared curves, figures by name.
 * Fetches nothing; what a run brings in is escaped.
 */
export async function renderReport(result: Result, events: readonly Recorded[], children: Children = {}): Promise<string> {
  const figures = new Figures()
  const variants = variantsOf(result, children)
  const sources: Source[] = [{ name: '', events }, ...Object.entries(children).map(([name, c]) => ({ name, events: c.events }))]
  const curves = learningCurves(sources)
  const owned = ownedOf(result, variants)
  const all =
    Object.keys(variants).length > 0 ? comparison(Object.fromEntries(Object.entries(variants).map(([n, v]) => [n, v.values]))) : none
  const body = [
    head(result, events),
    headline(result.values),
    section('Variants', all),
    section('Learning curves', Object.keys(curves).length > 0 ? await figures.grid(curves, (name) => name) : none),
    section('Figures', Object.keys(result.figures).length > 0 ? await figures.grid(result.figures) : none),
    section('Figures of the variants', await sideBySide(children, figures)),
    certificateSection(owned),
    section('Values', valueTable(result.values)),
    tableSection(result.tables),
    section('Warnings', warnings(sources.flatMap((s) => s.events))),
    detailSection(result),
  ]
  return page(titleOf(result), html`${body}`)
}

/** Certificates of a run and of its variants. */
const ownedOf = (result: Result, variants: Result['variants'] = result.variants): Owned[] => [
  ...result.certificates.map((certificate) => ({ of: '', certificate })),
  ...Object.entries(variants ?? {}).flatMap(([of, v]) => v.certificates.map((certificate) => ({ of, certificate }))),
]

/**
 * The certificates of a run as a page of their own: values against trivial ones, their terms stacked, what was assumed, and how to check again.
 * Undefined where there are none.
 */
export function renderCertificates(result: Result, children: Children = {}): string | undefined {
  const owned = ownedOf(result, variantsOf(result, children))
  return owned.length === 0 ? undefined : page(`Certificates: ${titleOf(result)}`, html`${head(result, [])}${certificateSection(owned)}`)
}

const variantsOf = (result: Result, children: Children): NonNullable<Result['variants']> => ({
  ...result.variants,
  ...Object.fromEntries(Object.entries(children).map(([name, c]) => [name, c.result])),
})

/** A page that fetches nothing. */
function page(title: string, body: Markup): string {
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:" />
        <title>${title}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`
  return `${whole.text}\n`
}

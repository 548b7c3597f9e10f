import { RunError, type Json } from 'ockham'
import { html, Markup } from './html.js'
import { split } from './numbers.js'
import { isolated, renderSvg } from './svg.js'

/** Draws figures for one page, each with ids of its own. */
export class Figures {
  #count = 0

  /** A figure with its caption. One that cannot be drawn says why in its place. */
  async draw(caption: string, spec: Json): Promise<Markup> {
    return html`<figure>
      <figcaption>${caption}</figcaption>
      ${await this.#picture(spec)}
    </figure>`
  }

  async #picture(spec: Json): Promise<Markup> {
    try {
      const svg = await renderSvg(spec, { ink: 'var(--ink)', faint: 'var(--line)' })
      return new Markup(isolated(svg, `f${this.#count++}`))
    } catch (error) {
      if (!(error instanceof RunError)) throw error
      return html`<p class="broken">${error.message}</p>`
    }
  }

  async grid(figures: Readonly<Record<string, Json>>, caption: (name: string) => string = captionOf): Promise<Markup> {
    const drawn: Markup[] = []
    for (const [name, spec] of Object.entries(figures)) drawn.push(await this.draw(caption(name), spec))
    return html`<div class="figures">${drawn}</div>`
  }
}

const captions: Readonly<Record<string, string>> = {
  reliability: 'Reliability',
  confusion: 'Confusion',
  ood: 'Uncertainty in and out of distribution',
  selective: 'Selective prediction',
}

/** `test/reliability` → `Reliability, test`. */
export function captionOf(name: string): string {
  const { split: of, metric } = split(name)
  return `${captions[metric] ?? metric}${of === '' ? '' : `, ${of}`}`
}

import { RunError, type Json } from 'ockham'
import type { Config, TopLevelSpec } from 'vega-lite'
import type { Loader } from 'vega'
import { theme } from '../../parts/figures/index.js'

/** A loader that loads nothing and keeps what was asked. Figures hold their data; pictures may be data in the specification. */
function closed(): { readonly loader: Loader; readonly asked: string[] } {
  const asked: string[] = []
  const refuse = (uri: string): Promise<never> => (asked.push(uri), Promise.reject(new Error('figures load nothing')))
  const sanitize = (uri: string) => (uri.startsWith('data:image/') ? Promise.resolve({ href: uri }) : refuse(uri))
  return { loader: { load: refuse, http: refuse, file: refuse, sanitize }, asked }
}

const quiet = { level: () => quiet, error: () => quiet, warn: () => quiet, info: () => quiet, debug: () => quiet }

/**
 * A Vega-Lite specification drawn as an SVG element, in Ockham's chart theme. `ink` and `faint` are the colours of text and grid, CSS variables
 * where the page has them. Throws `OCK-REPORT-001` where the specification would load something, `OCK-REPORT-002` where it cannot be drawn.
 */
export async function renderSvg(spec: Json, colours: { readonly ink?: string; readonly faint?: string } = {}): Promise<string> {
  const [lite, vega] = await Promise.all([import('vega-lite'), import('vega')])
  const config = { ...theme(colours), aria: false } as unknown as Config
  try {
    const { spec: full } = lite.compile(spec as unknown as TopLevelSpec, { config, logger: quiet })
    const failures: unknown[] = []
    const logger = { ...quiet, level: () => logger, error: (...found: unknown[]) => (failures.push(...found), logger) }
    const { loader, asked } = closed()
    const view = new vega.View(vega.parse(full), { renderer: 'none', loader, logger })
    try {
      const svg = await view.toSVG()
      if (asked.length > 0)
        throw new RunError({
          code: 'OCK-REPORT-001',
          what: `a figure wants to load ${asked.join(', ')}`,
          remedy: 'put the data into the specification',
        })
      if (failures.length > 0) throw failures[0]
      return svg
    } finally {
      view.finalize()
    }
  } catch (cause) {
    if (cause instanceof RunError) throw cause
    throw new RunError(
      { code: 'OCK-REPORT-002', what: `a figure cannot be drawn: ${cause instanceof Error ? cause.message : String(cause)}` },
      { cause },
    )
  }
}

/** The element with every id, and every reference to one, made its own, so that several stand on one page. */
export const isolated = (svg: string, name: string): string =>
  svg.replace(/\bid="([^"]*)"/g, `id="${name}-$1"`).replace(/url\(#([^)]*)\)/g, `url(#${name}-$1)`)

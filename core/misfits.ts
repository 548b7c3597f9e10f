import type { Problems } from './errors.js'
import { withArticle, type Kind } from './kinds.js'
import type { Part, Surroundings } from './part.js'

/** Adds `OCK-SPEC-023` for what a part, and parts inside it, require of others and these do not offer. */
export function refuseMisfits(part: Part, run: ReadonlyMap<Kind, Part>, around: Surroundings, problems: Problems): void {
  for (const inner of part.inside.values()) refuseMisfits(inner, run, around, problems)
  if (!('component' in part.make)) return
  const { name, requires = {} } = part.make.component
  for (const [kind, wanted] of Object.entries(requires) as [Kind | 'engine', readonly string[]][]) {
    if (kind === 'engine') {
      const missing = wanted.filter((w) => around.capabilities && !around.capabilities.has(w))
      if (missing.length > 0)
        problems.add({
          code: 'OCK-SPEC-023',
          what: `'${name}' requires an engine with ${missing.join(', ')}`,
          where: part.where,
          remedy: 'choose another engine',
        })
      continue
    }
    // What it holds itself comes first: `laplace` asks its own `after` for weights.
    const own = [...part.inside.values()].filter((p) => p.kind === kind)
    const asked = own.length > 0 ? own : run.has(kind) ? [run.get(kind)!] : []
    if (asked.length === 0)
      problems.add({
        code: 'OCK-SPEC-023',
        what: `'${name}' requires ${withArticle(kind)}, and there is none`,
        where: part.where,
        remedy: `give ${withArticle(kind)}`,
      })
    for (const other of asked) {
      const missing = wanted.filter((w) => other.offers && !other.offers.includes(w))
      if (missing.length === 0) continue
      const what = `'${name}' requires ${missing.map((m) => `'${m}'`).join(', ')} of the ${kind} '${other.name}' (${other.where}), which does not offer it`
      problems.add({ code: 'OCK-SPEC-023', what, where: part.where, remedy: `choose another ${kind}, or leave '${name}' out` })
    }
  }
}

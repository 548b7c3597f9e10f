import type { OnnxNode } from './read.js'

/** Names that exporters make up. */
const anonymous = /::|^(_v_|val_|const|c_|v_)?_?\d*$|^(val|c|v|_v|const|t)_\d+/i

/** A name of the file as one of ours: path signs become dots; the groups of Ockham's own export are taken off. */
export const plainName = (name: string): string =>
  name
    .replace(/^(params|frozen|state)\./, '')
    .replace(/[/:]+/g, '.')
    .replace(/^\.|\.$/g, '')

/** The module that a weight belongs to, `features.0` of `features.0.weight`; undefined where the file does not say. */
export function moduleOf(weight: string): string | undefined {
  if (anonymous.test(weight)) return undefined
  const name = plainName(weight).replace(/[._]?(weight|kernel|bias|scale|gamma|beta|W|B)$/, '')
  return name === '' || anonymous.test(name) ? undefined : name
}

/** The module that a node's own name tells, `layer1.0.conv1` of `/layer1/layer1.0/conv1/Conv`. */
export function moduleOfNode({ name }: OnnxNode): string | undefined {
  const path = name.split('/').filter((part) => part !== '')
  const parents = path.slice(0, -1)
  const kept = parents.filter((part, i) => !parents[i + 1]?.startsWith(`${part}.`))
  return kept.length > 0 ? kept.join('.') : undefined
}

/** Gives each name once; later ones of the same get a number. */
export class Names {
  readonly #taken = new Set<string>()

  take(name: string): string {
    let free = name
    for (let i = 1; this.#taken.has(free); i++) free = `${name}.${i}`
    this.#taken.add(free)
    return free
  }
}

import { applySet, InputError, type Json, type Problems } from 'ockham'
import { parseYaml } from '../node/yaml.js'

/** A spec with each `path=value` of `--set` in place; what is wrong with one is added to the problems. */
export async function assigned(spec: Json, assignments: readonly string[], problems: Problems): Promise<Json> {
  let plain = spec
  for (const [i, assignment] of assignments.entries()) {
    const at = assignment.indexOf('=')
    await problems.during(() => {
      if (at < 1)
        throw new InputError({
          code: 'OCK-SPEC-027',
          what: `'${assignment}' is not path=value`,
          where: '--set',
          remedy: 'e.g. --set inference.epochs=3',
        })
      plain = applySet(plain, assignment.slice(0, at), parseYaml(assignment.slice(at + 1), `--set #${i + 1}`))
    })
  }
  return plain
}

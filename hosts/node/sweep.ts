import { applySet, InputError, type Json } from 'ockham'

/** One swept path and the values that it takes. */
export interface Sweep {
  readonly path: string
  readonly values: readonly Json[]
}

type Plain = Readonly<Record<string, Json>>

const refuse = (what: string, remedy: string): InputError => new InputError({ code: 'OCK-SPEC-029', what, where: '--sweep', remedy })

/** `prior.scale=[0.01, 0.1, 1]`, its right side parsed. Errors: `OCK-SPEC-029`. */
export function sweepOf(assignment: string, parse: (text: string) => Json): Sweep {
  const at = assignment.indexOf('=')
  const values = at < 1 ? undefined : parse(assignment.slice(at + 1))
  if (!Array.isArray(values) || values.length === 0)
    throw refuse(`'${assignment}' is not path=[value, …]`, "e.g. --sweep 'prior.scale=[0.01,0.1,1]'")
  return { path: assignment.slice(0, at), values: values as Json[] }
}

/** The name of a value in a variant's: fit for a folder. */
function labelOf({ path }: Sweep, value: Json, index: number): string {
  const last = path
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .at(-1)!
  const named = typeof value === 'object' && value !== null ? (value as Plain)['use'] : value
  const text = typeof named === 'string' ? named : named === undefined ? String(index) : JSON.stringify(named)
  return `${last}-${text}`.replaceAll(/[^A-Za-z0-9._-]/g, '_')
}

/** A spec with a variant for each combination of swept values, times the variants that it has. Errors: `OCK-SPEC-025` and `-029`. */
export function applySweeps(plain: Json, sweeps: readonly Sweep[]): Json {
  if (sweeps.length === 0) return plain
  const { variants: given, ...base } = plain as Plain
  let variants: (readonly [string, Plain])[] = given === undefined ? [['', {}]] : Object.entries(given as Readonly<Record<string, Plain>>)
  for (const sweep of sweeps)
    variants = variants.flatMap(([name, changes]) =>
      sweep.values.map((value, i) => {
        const changed = applySet({ ...base, ...changes }, sweep.path, value) as Plain
        const field = sweep.path.split(/[.[]/)[0]!
        return [[name, labelOf(sweep, value, i)].filter((part) => part !== '').join('-'), { ...changes, [field]: changed[field]! }] as const
      }),
    )
  const names = new Set(variants.map(([name]) => name))
  if (names.size < variants.length) throw refuse('two runs of the sweep would have the same name', 'give each value once')
  return { ...base, variants: Object.fromEntries(variants) }
}

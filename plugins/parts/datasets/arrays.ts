import type { Dataset, Value } from 'ockham'
import { inputsOf, Problems } from 'ockham'
import { z } from 'zod'
import { rowsOf, size, type Field } from './gather.js'
import { memory, type Fields } from './memory.js'
import { scalingOption, splitOption } from './options.js'
import { fitFeatures } from './scaling.js'

const arrayTypes = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const

const isValue = (v: unknown): v is Value => {
  const { shape, dtype, data } = (v ?? {}) as Partial<Value>
  return Array.isArray(shape) && dtype !== undefined && dtype in arrayTypes && data instanceof arrayTypes[dtype]
}

const valueOption = z.custom<Value>(isValue, 'expected a Value: { shape, dtype, data } with a typed array of that type')

export const arraysOptions = z.strictObject({
  splits: z
    .record(z.string().min(1), z.record(z.string().min(1), valueOption))
    .describe(
      'fields a split: x [n, …] or several x.<name>, y int32 [n] classes or float32 [n, D] targets, group int32 [n]; others as they are',
    ),
  task: z.string().min(1).optional().describe('by default classification for int32 y, regression for real y, unlabelled without'),
  classes: z.array(z.string()).min(1).optional().describe('class names in label order; by default 0, 1, … up to the largest label'),
  groups: z.array(z.string()).min(1).optional().describe('group names; by default 0, 1, … up to the largest group'),
  scaling: z
    .union([z.boolean(), scalingOption])
    .default(false)
    .describe('true: standardise x along its last axis by the rows of train; or a scaling'),
  target: z.boolean().default(false).describe('standardise real-valued y by the rows of train'),
  licence: z.string().default('unknown: of the arrays given').describe('terms of the data, for the record'),
  split: splitOption,
})

export type ArraysOptions = z.output<typeof arraysOptions>

const fieldOf = ({ shape, dtype, data }: Value): Field => ({ shape: shape.slice(1), dtype: dtype === 'float64' ? 'float32' : dtype, data })

/** Everything that is wrong with the arrays of all splits. `OCK-DATA-030` shapes, `031` labels and groups */
function check({ splits }: ArraysOptions, limits: Readonly<Record<string, number | undefined>>): void {
  const problems = new Problems()
  const add = (code: string, what: string, where: string, remedy: string): void => problems.add({ code, what, where, remedy })
  const sizes = new Map<string, string>()
  if (Object.keys(splits).length === 0) add('OCK-DATA-030', 'there is no split', 'option splits', 'give at least one')
  for (const [split, fields] of Object.entries(splits)) {
    const rows = Object.values(fields)[0]?.shape[0] ?? 0
    if (Object.keys(inputsOf(fields)).length === 0)
      add('OCK-DATA-030', `the split has no x`, `splits.${split}`, 'give x, or x.<name> for models of several inputs')
    for (const [name, value] of Object.entries(fields)) {
      const where = `splits.${split}.${name}`
      if (size(value.shape) !== value.data.length || value.shape.length === 0)
        add(
          'OCK-DATA-030',
          `${value.data.length} numbers under the shape [${value.shape.join()}]`,
          where,
          'give as many numbers as the shape says',
        )
      if (value.shape[0] !== rows || rows === 0)
        add(
          'OCK-DATA-030',
          `${value.shape[0] ?? 0} rows, and the first field has ${rows}`,
          where,
          'give every field of a split the same rows, at least one',
        )
      const one = `${value.dtype} [${value.shape.slice(1).join()}]`
      if (one !== (sizes.get(name) ?? one))
        add('OCK-DATA-030', `an example is ${one} here and ${sizes.get(name)} in another split`, where, 'give all splits one shape')
      sizes.set(name, one)
      const limit = limits[name]
      const wrong = limit === undefined ? -1 : value.data.findIndex((v) => !(v >= 0 && v < limit))
      if (wrong >= 0)
        add(
          'OCK-DATA-031',
          `${value.data[wrong]} at row ${wrong} is not one of 0 to ${limit! - 1}`,
          where,
          `mend it, or name all ${name === 'y' ? 'classes' : 'groups'}`,
        )
    }
  }
  problems.check()
}

/** One more than the largest entry of a field over all splits. */
function upTo(splits: ArraysOptions['splits'], name: string): number {
  let top = -1
  for (const fields of Object.values(splits)) for (const entry of fields[name]?.data ?? []) top = Math.max(top, entry)
  return top + 1
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

/** A dataset of arrays made in code. Errors: `OCK-DATA-001`, `030`, `031`. */
export function arrays(options: ArraysOptions): Dataset {
  const { splits, licence, split, target, scaling } = options
  const labels = Object.values(splits).find((fields) => fields['y'])?.['y']
  const task = options.task ?? (labels ? (labels.dtype === 'int32' ? 'classification' : 'regression') : 'unlabelled')
  const classes = options.classes ?? (task === 'classification' ? names(upTo(splits, 'y')) : undefined)
  const grouped = Object.values(splits).some((fields) => fields['group'])
  const groups = options.groups ?? (grouped ? names(upTo(splits, 'group')) : undefined)
  check(options, { y: classes?.length, group: groups?.length })
  const content = Object.fromEntries(
    Object.entries(splits).map(([name, fields]): [string, Fields] => [
      name,
      Object.fromEntries(Object.entries(fields).map(([f, v]) => [f, fieldOf(v)])),
    ]),
  )
  const fit = (name: string): ReturnType<typeof fitFeatures> | undefined => {
    const field = (content['train'] ?? Object.values(content)[0]!)[name]
    return field && rowsOf(field) > 0 ? fitFeatures(field.data, field.shape.at(-1) ?? 1) : undefined
  }
  return memory({
    task,
    classes,
    groups,
    licence,
    splits: content,
    scaling: scaling === true ? fit('x') : scaling || undefined,
    fitted: scaling === true,
    target: target && labels?.dtype !== 'int32' ? fit('y') : undefined,
    split,
  })
}

import type { Dataset } from 'ockham'
import { InputError, Problems } from 'ockham'
import { z } from 'zod'
import { cell, Listed, numeric, readTable, type Table } from './csv-table.js'
import type { Field } from './gather.js'
import { deal, share, take } from './holdout.js'
import { memory, type Fields } from './memory.js'
import { seedOption, splitOption } from './options.js'
import { fitFeatures } from './scaling.js'

const fraction = (share: number): z.ZodDefault<z.ZodNumber> => z.number().min(0).lt(1).default(share)

export const csvOptions = z.strictObject({
  file: z.string().min(1).describe('CSV file, gzip or not'),
  label: z.string().min(1).default('label').describe('column with what is to be predicted'),
  features: z.array(z.string()).min(1).optional().describe('columns to predict from; by default every other column but those of text'),
  group: z.string().min(1).optional().describe("column that names each row's group"),
  task: z
    .enum(['classification', 'regression'])
    .optional()
    .describe('by default classification where labels are text, or at most 20 different whole numbers; else regression'),
  classes: z
    .array(z.string())
    .min(2)
    .optional()
    .describe('class names in label order; by default all labels, numbers by size and text by code'),
  header: z.boolean().default(true).describe('false: the first line is data, and columns are named 0, 1, 2, …'),
  delimiter: z.string().length(1).default(',').describe('what separates cells'),
  test: fraction(0.2).describe('fraction of all rows for test; what is not held out is train'),
  validation: fraction(0).describe('fraction of all rows for validation'),
  splitSeed: seedOption,
  splitBy: z
    .string()
    .min(1)
    .optional()
    .describe("column that names each row's split; 1 or true is train; 0, -1 or false is test; then nothing is dealt"),
  log: z.array(z.string()).default([]).describe('features whose natural logarithm is taken'),
  scaling: z.boolean().default(true).describe('standardise features, and the targets of a regression, by the training rows'),
  split: splitOption,
})

export type CsvOptions = z.output<typeof csvOptions>

/** Different whole numbers up to which labels are taken for classes. */
const CLASSES = 20

const column = (table: Table, name: string): string[] => {
  const at = table.columns.indexOf(name)
  return table.rows.map((row) => row[at]!)
}

/** A cell that stands for a number that is not there. */
const missing = (text: string): boolean => text === '' || /^nan$/i.test(text)

const isWord = (text: string): boolean => numeric(text) === undefined && !missing(text)

/** A column of words alone is left out; a single number or gap makes it one of numbers, and what else it holds an error. */
const isText = (cells: readonly string[]): boolean => cells.every(isWord)

function chosenFeatures(table: Table, { label, group, splitBy, log, features }: CsvOptions): readonly string[] {
  const problems = new Problems()
  const named = [group, splitBy].filter((name) => name !== undefined)
  for (const name of new Set([label, ...named, ...log, ...(features ?? [])]))
    if (!table.columns.includes(name))
      problems.add({
        code: 'OCK-DATA-023',
        what: `there is no column '${name}'`,
        where: table.file,
        remedy: `its columns are ${table.columns.join(', ')}`,
      })
  problems.check()
  const chosen = features ?? table.columns.filter((name) => name !== label && !named.includes(name) && !isText(column(table, name)))
  if (chosen.length > 0 && !chosen.includes(label)) return chosen
  throw new InputError({
    code: 'OCK-DATA-023',
    what: chosen.length === 0 ? 'no column but the label holds numbers' : `the label '${label}' is among the features`,
    where: table.file,
    remedy: 'name the columns to predict from in the option features',
  })
}

/** The fault of a number that float32 has no room for. */
const beyond = (text: string, where: string): [what: string, where: string, remedy: string] => [
  `${text} is too large for float32, whose largest number is 3.4e38`,
  where,
  'give the column in a larger unit',
]

/** Numbers of the columns, float64 [n, D], or their logarithms; every cell that has none is a problem. */
function numbers(table: Table, names: readonly string[], problems: Problems, log: readonly string[] = []): Field {
  const data = new Float64Array(table.rows.length * names.length)
  const bad = new Listed(problems, 'OCK-DATA-024', table.file)
  const places = names.map((name) => table.columns.indexOf(name))
  const logged = names.map((name) => log.includes(name))
  table.rows.forEach((row, r) =>
    places.forEach((at, j) => {
      const value = numeric(row[at]!)
      if (value === undefined)
        bad.add(
          row[at] === '' ? 'the cell is empty' : `'${row[at]}' is not a number`,
          cell(table, r, names[j]),
          'mend the cell, leave the row out, or name the columns to predict from in the option features',
        )
      else if (logged[j] && value <= 0)
        bad.add(`${row[at]} has no logarithm`, cell(table, r, names[j]), 'leave the column out of the option log')
      else if (!logged[j] && !Number.isFinite(Math.fround(value))) bad.add(...beyond(row[at]!, cell(table, r, names[j])))
      data[r * names.length + j] = logged[j] ? Math.log(value ?? NaN) : (value ?? NaN)
    }),
  )
  bad.close()
  return { shape: [names.length], dtype: 'float32', data }
}

/** The different texts of a column, numbers by size and text by code. */
function kinds(cells: readonly string[]): string[] {
  const found = [...new Set(cells)].filter((text) => text !== '').sort()
  const present = found.filter((text) => !missing(text))
  // Among numbers, NaN is a gap; among words it may be a name.
  return present.some(isWord) ? found : present.sort((a, b) => Number(a) - Number(b))
}

/** Places of a column's cells among `names`, int32 [n]; empty cells and other names are problems. */
function places(table: Table, name: string, names: readonly string[], problems: Problems): Field {
  const bad = new Listed(problems, 'OCK-DATA-025', table.file)
  const at = new Map(names.map((text, i) => [text, i]))
  const data = Int32Array.from(column(table, name), (text, r) => {
    const place = at.get(text)
    if (place === undefined)
      bad.add(text === '' ? 'the cell is empty' : `'${text}' is none of ${names.join(', ')}`, cell(table, r, name), 'mend the cell')
    return place ?? -1
  })
  bad.close()
  return { shape: [], dtype: 'int32', data }
}

const splitNames: Readonly<Record<string, string>> = { '1': 'train', true: 'train', '0': 'test', '-1': 'test', false: 'test' }

/** Rows of each split: as a column names them, or dealt by the seed. */
function partsOf(table: Table, { file, splitBy, splitSeed, test, validation }: CsvOptions): Record<string, ArrayLike<number>> {
  const count = table.rows.length
  if (splitBy === undefined) return deal(count, { test: share(test, count), validation: share(validation, count) }, splitSeed, file)
  const parts: Record<string, number[]> = {}
  column(table, splitBy).forEach((text, r) => (parts[splitNames[text.toLowerCase()] ?? text] ??= []).push(r))
  if (parts['train'] && !('' in parts)) return parts
  throw new InputError({
    code: 'OCK-DATA-027',
    what: parts['train'] ? 'a row has no split' : `no row is of the split train, only of ${Object.keys(parts).join(', ')}`,
    where: parts['train'] ? `${file}, ${cell(table, parts['']![0]!, splitBy)}` : `${file}, column ${splitBy}`,
    remedy: 'name the split of each row: train, test, validation, or 1 and 0',
  })
}

function taskOf(cells: readonly string[], { task, classes }: CsvOptions): 'classification' | 'regression' {
  if (task || classes) return task ?? 'classification'
  if (cells.filter(isWord).length * 2 >= cells.length) return 'classification'
  const values = [...new Set(cells)].map(numeric)
  return values.length <= CLASSES && values.every((v) => v === undefined || Number.isInteger(v)) ? 'classification' : 'regression'
}

/**
 * The rows of a CSV table: `x` float32 [n, D], `y` int32 [n] classes or float32 [n, 1] targets, `group` int32 [n]; splits `train`, `test`,
 * `validation` dealt by the seed. Errors: `OCK-DATA-001`, `010`, `011`, `017`, `020` to `027`, with row and column.
 */
export async function csv(options: CsvOptions): Promise<Dataset> {
  const { file, label, group, scaling, split } = options
  const table = await readTable(file, options)
  const features = chosenFeatures(table, options)
  const labels = column(table, label)
  const task = taskOf(labels, options)
  const classes = task === 'classification' ? (options.classes ?? kinds(labels)) : undefined
  const groups = group === undefined ? undefined : kinds(column(table, group))
  const problems = new Problems()
  const whole: Fields = {
    x: numbers(table, features, problems, options.log),
    y: classes ? places(table, label, classes, problems) : numbers(table, [label], problems),
    ...(groups && { group: places(table, group!, groups, problems) }),
  }
  if (classes && classes.length < 2)
    problems.add({
      code: 'OCK-DATA-026',
      what: `every row has the label '${classes[0]}'`,
      where: `${file}, column ${label}`,
      remedy: 'a classification needs two classes',
    })
  problems.check()
  const parts = partsOf(table, options)
  const splits = Object.fromEntries(Object.entries(parts).map(([name, rows]) => [name, take(whole, rows)]))
  const { x, y } = splits['train'] as { x: Field; y: Field }
  return memory({
    task,
    classes,
    groups,
    features: features.map((name) => (options.log.includes(name) ? `log ${name}` : name)),
    licence: 'unknown: of the file given',
    splits,
    scaling: scaling ? fitFeatures(x.data, features.length) : undefined,
    fitted: scaling,
    target: scaling && !classes ? fitFeatures(y.data, 1) : undefined,
    split,
  })
}

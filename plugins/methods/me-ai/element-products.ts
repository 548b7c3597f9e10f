import { InputError, Problems, type Evaluation, type Value } from 'ockham'
import { z } from 'zod'
import { numeric, readTable, type Table } from '../../parts/datasets/index.js'
import { auroc } from '../../parts/evaluation/index.js'
import { matrix } from '../../parts/linalg/index.js'

export const elementProductsOptions = z.strictObject({
  elements: z.string().min(1).describe("CSV file of the elements: a column of names, and the model's features under their own names"),
  element: z.string().min(1).default('element').describe('column of names in it'),
  compounds: z.string().min(1).describe('CSV file of the compounds AB: two columns of element names and a label'),
  first: z.string().min(1).default('A').describe('column of the first element'),
  second: z.string().min(1).default('B').describe('column of the second'),
  label: z.string().min(1).default('label').describe('column of labels'),
  yes: z.string().default('TI').describe('label that is ranked for'),
  no: z.string().default('trivial').describe('label that it is told from; compounds of other labels are scored and not counted'),
  positive: z.int().min(0).default(1).describe('class whose probability is an element’s score, by its place in label order'),
})

type Options = z.output<typeof elementProductsOptions>

const columnOf = (table: Table, name: string): string[] => {
  const at = table.columns.indexOf(name)
  if (at >= 0) return table.rows.map((row) => row[at]!)
  throw new InputError({
    code: 'OCK-MEAI-006',
    what: `there is no column '${name}'`,
    where: table.file,
    remedy: `its columns are ${table.columns.join(', ')}`,
  })
}

/** Numbers of the features, [n, d]; every cell that has none is a problem, with row and column. */
function features(table: Table, names: readonly string[]): Value {
  const problems = new Problems()
  const columns = names.map((name) => {
    const log = name.startsWith('log ') && !table.columns.includes(name)
    return columnOf(table, log ? name.slice(4) : name).map((text, row) => {
      const value = numeric(text)
      if (value === undefined || (log && value <= 0))
        problems.add({
          code: 'OCK-MEAI-006',
          what: value === undefined ? `'${text}' is not a number` : `${text} has no logarithm`,
          where: `${table.file}, row ${row + 1} (line ${table.lines[row]}), column ${name}`,
          remedy: 'mend the cell or leave the row out',
        })
      return log ? Math.log(value ?? NaN) : (value ?? NaN)
    })
  })
  problems.check()
  const n = table.rows.length
  const d = names.length
  return matrix(
    [n, d],
    Float64Array.from({ length: n * d }, (_, k) => columns[k % d]![Math.floor(k / d)]!),
  )
}

const scaled = (x: Value, { mean = [0], std = [1] }: { readonly mean?: readonly number[]; readonly std?: readonly number[] }): Value => {
  const d = x.shape[1]!
  const at = (v: readonly number[], i: number): number => v[(i % d) % v.length]!
  return matrix(
    x.shape,
    Float64Array.from(x.data, (v, i) => (v - at(mean, i)) / at(std, i)),
  )
}

/**
 * Transfer to compounds of two elements, as from square nets to rock salts: an element's score is the probability of the class at its own features,
 * a compound's the product of its elements' scores. Area under the ROC curve of `yes` against `no`, shares of each above one half, elements by
 * score. Throws `OCK-MEAI-005` where a label is missing, `OCK-MEAI-006` for tables that do not fit, `OCK-MEAI-007` for a regression.
 */
export const elementProducts = (options: Options): Evaluation => ({
  async evaluate(posterior, { dataset }) {
    const read = (file: string): Promise<Table> => readTable(file, { delimiter: ',', header: true })
    const [elements, compounds] = [await read(options.elements), await read(options.compounds)]
    const names = columnOf(elements, options.element)
    const d = (dataset.meta.shapes['x']?.shape ?? []).reduce((n, s) => n * s, 1)
    const x = features(elements, dataset.meta.features ?? Array.from({ length: d }, (_, j) => `x${j}`))
    const found = await posterior.predict({ x: scaled(x, dataset.scaling ?? {}) })
    if (found.kind !== 'categorical')
      throw new InputError({
        code: 'OCK-MEAI-007',
        what: 'the posterior gives no class probabilities',
        where: 'objective',
        remedy: 'choose dirichlet',
      })
    const classes = found.probabilities.shape[1]!
    const scores = new Map(names.map((name, i) => [name, found.probabilities.data[i * classes + options.positive]!]))
    const [first, second, labels] = [options.first, options.second, options.label].map((name) => columnOf(compounds, name)) as [
      string[],
      string[],
      string[],
    ]
    const problems = new Problems()
    const scoreOf = (name: string, row: number, column: string): number => {
      const score = scores.get(name)
      if (score === undefined)
        problems.add({
          code: 'OCK-MEAI-006',
          what: `'${name}' is none of the elements`,
          where: `${compounds.file}, row ${row + 1} (line ${compounds.lines[row]}), column ${column}`,
          remedy: `add it to ${elements.file}, or leave the compound out`,
        })
      return score ?? NaN
    }
    const products = labels.map((label, i) => ({
      a: first[i]!,
      b: second[i]!,
      score: scoreOf(first[i]!, i, options.first) * scoreOf(second[i]!, i, options.second),
      label,
    }))
    problems.check()
    const of = (label: string): number[] => products.filter((p) => p.label === label).map((p) => p.score)
    const [yes, no] = [of(options.yes), of(options.no)]
    if (yes.length === 0 || no.length === 0)
      throw new InputError({
        code: 'OCK-MEAI-005',
        what: `${yes.length} compounds are '${options.yes}' and ${no.length} are '${options.no}'`,
        where: `${compounds.file}, column ${options.label}`,
        remedy: 'name the labels in the options yes and no',
      })
    const above = (some: readonly number[]): number => some.filter((p) => p > 0.5).length / some.length
    return {
      values: {
        'products/auroc': auroc(yes, no),
        'products/positive-above-half': above(yes),
        'products/negative-above-half': above(no),
      },
      tables: {
        elements: [...scores].map(([element, score]) => ({ element, score })).sort((p, q) => q.score - p.score),
        products: [...products].sort((p, q) => q.score - p.score),
      },
    }
  },
})

/*
 * Regression sets of the UCI repository in the form, and with the splits, of Gal and Ghahramani 2016 ("Dropout as a Bayesian
 * approximation"), which go back to Hernández-Lobato and Adams 2015.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Dataset } from 'ockham'
import { InputError, Problems } from 'ockham'
import { z } from 'zod'
import { readBytes } from './files.js'
import { deal, share, take } from './holdout.js'
import { memory, type Fields } from './memory.js'
import { heldOut, seedOption, splitOption } from './options.js'
import { fitFeatures } from './scaling.js'
import { parseNumbers, type NumberTable } from './whitespace-table.js'

export const uciRegressionOptions = z.strictObject({
  root: z
    .string()
    .min(1)
    .describe('folder with data.txt, index_features.txt, index_target.txt, index_train_0.txt, …, each with or without .gz'),
  name: z.string().min(1).optional().describe('a folder below root: bostonHousing, concrete, energy, …'),
  fold: z.number().int().nonnegative().default(0).describe('which of the fixed splits, from 0'),
  validation: heldOut.describe('training rows to hold out as validation: below 1 a fraction, from 1 a number'),
  splitSeed: seedOption,
  scaling: z.boolean().default(true).describe('standardise features and target by the training rows'),
  split: splitOption,
})

export type UciRegressionOptions = z.output<typeof uciRegressionOptions>

const isPresent = (file: string): boolean => existsSync(file) || existsSync(`${file}.gz`)

async function numbersIn(folder: string, name: string): Promise<NumberTable> {
  const plain = join(folder, name)
  const file = existsSync(plain) ? plain : existsSync(`${plain}.gz`) ? `${plain}.gz` : plain
  return parseNumbers(new TextDecoder().decode(await readBytes(file)), file)
}

/** The folder of the set. Throws `OCK-DATA-016` where it has no data. */
function folderOf({ root, name }: UciRegressionOptions): string {
  const folder = name === undefined ? root : join(root, name)
  if (isPresent(join(folder, 'data.txt'))) return folder
  const sets =
    existsSync(root) && statSync(root).isDirectory() ? readdirSync(root).filter((set) => isPresent(join(root, set, 'data.txt'))) : []
  throw new InputError({
    code: 'OCK-DATA-016',
    what: existsSync(folder) ? 'the folder holds no data.txt' : 'the folder does not exist',
    where: folder,
    remedy:
      sets.length > 0 ? `set name to one of its sets: ${sets.join(', ')}` : 'give the folder of one set, or the folder above and name',
  })
}

/** Whole numbers below `limit`, as rows or columns; others are problems. `OCK-DATA-062` */
function places({ data, file }: NumberTable, limit: number, of: string, problems: Problems): Int32Array {
  const wrong = data.findIndex((v) => !(Number.isInteger(v) && v >= 0 && v < limit))
  if (wrong >= 0)
    problems.add({
      code: 'OCK-DATA-062',
      what: `entry ${wrong + 1} is ${data[wrong]}, and the table has ${of} 0 to ${limit - 1}`,
      where: file,
      remedy: 'give the table and the indices of one set',
    })
  return Int32Array.from(data)
}

/** Columns of a table as float64 [rows, columns]. */
const pick = ({ rows, columns, data }: NumberTable, at: Int32Array): Float64Array =>
  Float64Array.from({ length: rows * at.length }, (_, i) => data[Math.floor(i / at.length) * columns + at[i % at.length]!]!)

/** Throws `OCK-DATA-060` for a fold that is not there. */
function checkFold(folder: string, fold: number): void {
  if (isPresent(join(folder, `index_train_${fold}.txt`))) return
  let count = 0
  while (isPresent(join(folder, `index_train_${count}.txt`))) count++
  throw new InputError({
    code: 'OCK-DATA-060',
    what: `there is no fold ${fold}`,
    where: folder,
    remedy: count > 0 ? `choose a fold from 0 to ${count - 1}` : 'add index_train_0.txt and index_test_0.txt',
  })
}

/**
 * One split of a UCI regression set: `x` float32 [n, D], `y` float32 [n, outputs], both standardised by the training rows; metrics are in
 * the target's own units. Errors: `OCK-DATA-001`, `010`, `011`, `016`, `017`, `060` to `062`.
 */
export async function uciRegression(options: UciRegressionOptions): Promise<Dataset> {
  const { fold, validation, splitSeed, scaling, split } = options
  const folder = folderOf(options)
  checkFold(folder, fold)
  const names = ['data', 'index_features', 'index_target', `index_train_${fold}`, `index_test_${fold}`]
  const problems = new Problems()
  const read: (NumberTable | undefined)[] = []
  for (const name of names) read.push(await problems.during(() => numbersIn(folder, `${name}.txt`)))
  problems.check()
  const [table, features, target, train, test] = read as [NumberTable, NumberTable, NumberTable, NumberTable, NumberTable]
  const [inputs, outputs] = [features, target].map((of) => places(of, table.columns, 'columns', problems)) as [Int32Array, Int32Array]
  const [learnt, tested] = [train, test].map((of) => places(of, table.rows, 'rows', problems)) as [Int32Array, Int32Array]
  problems.check()

  const whole: Fields = {
    x: { shape: [inputs.length], dtype: 'float32', data: pick(table, inputs) },
    y: { shape: [outputs.length], dtype: 'float32', data: pick(table, outputs) },
  }
  const held = share(validation, learnt.length)
  const parts = held > 0 ? deal(learnt.length, { validation: held }, splitSeed, folder) : { train: learnt.map((_, i) => i) }
  const splits = {
    ...Object.fromEntries(
      Object.entries(parts).map(([name, of]) => [
        name,
        take(
          whole,
          of.map((i) => learnt[i]!),
        ),
      ]),
    ),
    test: take(whole, tested),
  } as Record<string, Fields>
  const { x, y } = splits['train']!
  return memory({
    task: 'regression',
    features: Array.from(inputs, (column) => `${basename(folder)}.${column}`),
    licence: "UCI's own terms for each set; the splits are of a repository under CC-BY-NC-4.0",
    splits,
    scaling: scaling ? fitFeatures(x!.data, inputs.length) : undefined,
    fitted: scaling,
    target: scaling ? fitFeatures(y!.data, outputs.length) : undefined,
    split,
  })
}

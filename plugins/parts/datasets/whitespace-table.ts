import { Problems } from 'ockham'
import { Listed, numeric } from './csv-table.js'

/** Numbers in lines, separated by blanks; float64 [rows, columns]. */
export interface NumberTable {
  readonly file: string
  readonly rows: number
  readonly columns: number
  readonly data: Float64Array
}

/**
 * The numbers of a text without a header, one row a line; empty lines are skipped. Errors: `OCK-DATA-061` with line and column for what is
 * no number, and for lines of another length than the first.
 */
export function parseNumbers(text: string, file: string): NumberTable {
  const problems = new Problems()
  const bad = new Listed(problems, 'OCK-DATA-061', file)
  const lines = text.split(/\r\n|\n|\r/)
  const rows: number[][] = []
  let columns = 0
  lines.forEach((line, at) => {
    const cells = line.trim().split(/\s+/)
    if (cells[0] === '') return
    if (rows.length === 0) columns = cells.length
    if (cells.length !== columns)
      bad.add(`${cells.length} numbers, and the first line has ${columns}`, `line ${at + 1}`, 'complete the line')
    rows.push(
      cells.map((cell, column) => {
        const value = numeric(cell)
        if (value === undefined || !Number.isFinite(Math.fround(value)))
          bad.add(
            value === undefined ? `'${cell}' is not a number` : `${cell} is too large for float32`,
            `line ${at + 1}, column ${column}`,
            'mend the cell, or leave the row out',
          )
        return value ?? NaN
      }),
    )
  })
  if (rows.length === 0) bad.add('the file holds no numbers', 'line 1', 'give one row a line, its numbers separated by blanks')
  bad.close()
  problems.check()
  return { file, rows: rows.length, columns, data: Float64Array.from(rows.flat()) }
}

import { parse, type CsvError } from 'csv-parse/sync'
import { InputError, Problems } from 'ockham'
import { readBytes } from './files.js'

/** A table of text cells; row r of the data is `rows[r]`. */
export interface Table {
  readonly file: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** The file's line that row r ends on. */
  readonly lines: readonly number[]
}

/** Faults of one kind that are listed one by one; the rest are counted. */
export const LISTED = 20

/** Adds the first faults, and how many more there are. */
export class Listed {
  #count = 0
  constructor(
    readonly problems: Problems,
    readonly code: string,
    readonly file: string,
  ) {}

  add(what: string, where: string, remedy: string): void {
    if (this.#count++ < LISTED) this.problems.add({ code: this.code, what, where: `${this.file}, ${where}`, remedy })
  }

  close(): void {
    if (this.#count > LISTED) this.problems.add({ code: this.code, what: `${this.#count - LISTED} more like these`, where: this.file })
  }
}

/** Where a cell is: rows of data and lines of the file, both from 1. */
export const cell = ({ lines }: Table, row: number, column?: string): string =>
  `row ${row + 1} (line ${lines[row]})${column === undefined ? '' : `, column ${column}`}`

/** A decimal number as it stands in a table; undefined for anything else: empty, NaN, ?, 1e999. */
export function numeric(text: string): number | undefined {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN
  return Number.isFinite(value) ? value : undefined
}

interface Line {
  readonly info: { readonly lines: number }
  readonly record: string[]
}

/** Reads a whole CSV file, gzip or not. Errors: `OCK-DATA-010`, `011`, `020` not CSV, `021` header, `022` short and long rows. */
export async function readTable(file: string, { delimiter, header }: { delimiter: string; header: boolean }): Promise<Table> {
  const text = new TextDecoder().decode(await readBytes(file))
  let parsed: Line[]
  try {
    // The types do not know that `info` wraps each record.
    parsed = parse(text, {
      delimiter,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
    }) as unknown as Line[]
  } catch (cause) {
    const line = (cause as CsvError)['lines']
    throw new InputError(
      {
        code: 'OCK-DATA-020',
        what: `the file is not CSV: ${(cause as Error).message}`,
        where: typeof line === 'number' ? `${file}, line ${line}` : file,
        remedy: 'check its quotation marks',
      },
      { cause },
    )
  }
  const first = parsed[0]?.record ?? []
  const body = header ? parsed.slice(1) : parsed
  const columns = header ? first : first.map((_, i) => String(i))
  const table = { file, columns, rows: body.map((r) => r.record), lines: body.map((r) => r.info.lines) }
  check(table)
  return table
}

function check(table: Table): void {
  const { file, columns, rows } = table
  const problems = new Problems()
  if (rows.length === 0)
    problems.add({ code: 'OCK-DATA-020', what: 'the file has no rows of data', where: file, remedy: 'give a file with a header and rows' })
  columns.forEach((name, i) => {
    const wrong = name === '' ? `column ${i + 1} has no name` : columns.indexOf(name) < i ? `two columns are named '${name}'` : undefined
    if (wrong) problems.add({ code: 'OCK-DATA-021', what: wrong, where: `${file}, header`, remedy: 'give each column a name of its own' })
  })
  const ragged = new Listed(problems, 'OCK-DATA-022', file)
  rows.forEach((row, r) => {
    if (row.length === columns.length) return
    ragged.add(
      `${row.length} cells, and the first line has ${columns.length}`,
      cell(table, r),
      'complete the row, or set the option delimiter',
    )
  })
  ragged.close()
  problems.check()
}

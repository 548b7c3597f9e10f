import { InputError, inputsOf, RunError, type Dataset, type Json, type Run } from 'ockham'

/** Refuses at once a calibration split that is what is evaluated, or what was trained on. Throws `OCK-CONFORMAL-001`. */
export function checkNames(calibration: string, split: string): void {
  if (calibration !== split && calibration !== 'train') return
  throw new InputError({
    code: 'OCK-CONFORMAL-001',
    what: `the split ${calibration} is ${calibration === split ? 'evaluated' : 'trained on'}, so scores on it say nothing about new rows`,
    where: 'calibration',
    remedy: 'calibrate on labelled rows that are neither trained on nor evaluated, for instance validation: 0.1 of the dataset',
  })
}

/** Refuses rows on which a temperature of the same posterior was fitted. Throws `OCK-CONFORMAL-001`. */
export function checkFitted(meta: Json, calibration: string): void {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return
  const { split, temperature, of } = meta as { split?: Json; temperature?: Json; of?: { meta?: Json } }
  if (temperature === undefined) return
  if (split === calibration)
    throw new RunError({
      code: 'OCK-CONFORMAL-001',
      what: `the temperature was fitted on the split ${calibration}: a threshold from the same rows covers less than it says`,
      where: 'calibration',
      remedy: 'fit the temperature on another split, or calibrate on another',
    })
  checkFitted(of?.meta ?? null, calibration)
}

const chunk = 1024

/** Two numbers a row that equal inputs share: two hashes of its bits (FNV-1a, on words), joined. */
async function marks(dataset: Dataset, split: string): Promise<string[]> {
  const rows = dataset.meta.splits[split] ?? 0
  const out: string[] = []
  for (let from = 0; from < rows; from += chunk) {
    const data = Int32Array.from({ length: Math.min(chunk, rows - from) }, (_, i) => from + i)
    const fields = await dataset.read(split, { shape: [data.length], dtype: 'int32', data })
    const inputs = Object.entries(inputsOf(fields))
    for (let i = 0; i < data.length; i++) {
      let [a, b] = [0x811c9dc5, 0x2545f491]
      for (const [, { data: all }] of inputs) {
        const width = all.length / data.length
        const row = new Float32Array(width)
        for (let j = 0; j < width; j++) row[j] = all[i * width + j]!
        for (const word of new Uint32Array(row.buffer)) {
          a = Math.imul(a ^ word, 0x01000193)
          a ^= a >>> 15
          b = Math.imul(b ^ word, 0x85ebca6b) + 1
          b ^= b >>> 13
        }
      }
      out.push(`${a},${b}`)
    }
  }
  return out
}

/**
 * Compares the rows that calibrate with those that are evaluated and trained on. Where most of them are there too, they are no held-out rows:
 * `OCK-CONFORMAL-001`. Fewer are a warning, `OCK-CONFORMAL-002`, since data have doubles.
 */
export async function checkRows(dataset: Dataset, calibration: string, split: string, run: Pick<Run, 'emit'>): Promise<void> {
  const held = await marks(dataset, calibration)
  for (const other of ['train', split].filter((name) => (dataset.meta.splits[name] ?? 0) > 0)) {
    const seen = new Set(await marks(dataset, other))
    const shared = held.filter((mark) => seen.has(mark)).length
    if (shared > held.length / 2)
      throw new RunError({
        code: 'OCK-CONFORMAL-001',
        what: `${shared} of ${held.length} rows of ${calibration} are in ${other} too`,
        where: 'calibration',
        remedy: 'calibrate on rows that are neither trained on nor evaluated',
      })
    if (shared > 0)
      run.emit({
        type: 'warning',
        code: 'OCK-CONFORMAL-002',
        message: `${shared} of ${held.length} inputs of ${calibration} are in ${other} too: coverage is exact only for rows that are drawn alike`,
      })
  }
}

import { InputError, Problems, type Value } from 'ockham'
import { origins, type Origin } from './names.js'
import type { Published } from './published.js'

type Floats = Float32Array

/** [a, b] → [b, a], in squares that stay in the cache. */
function transposed(from: Floats, a: number, b: number): Floats {
  const to = new Float32Array(from.length)
  const side = 32
  for (let i0 = 0; i0 < a; i0 += side)
    for (let j0 = 0; j0 < b; j0 += side)
      for (let i = i0; i < Math.min(a, i0 + side); i++) for (let j = j0; j < Math.min(b, j0 + side); j++) to[j * a + i] = from[i * b + j]!
  return to
}

/** Rows of each head from neighbouring pairs (0, 1), (2, 3), … to halves: first all first members, then all second ones. */
function halved(from: Floats, rows: number, heads: number): Floats {
  const to = new Float32Array(from.length)
  const [width, d] = [from.length / rows, rows / heads]
  for (let row = 0; row < rows; row++) {
    const [head, i] = [Math.floor(row / d), row % d]
    const source = head * d + (i < d / 2 ? 2 * i : 2 * (i - d / 2) + 1)
    to.set(from.subarray(source * width, (source + 1) * width), row * width)
  }
  return to
}

/** Columns `from` to `to` of the last axis. */
function columnsOf(data: Floats, width: number, from: number, to: number): Floats {
  const rows = data.length / width
  const out = new Float32Array(rows * (to - from))
  for (let row = 0; row < rows; row++) out.set(data.subarray(row * width + from, row * width + to), row * (to - from))
  return out
}

/** Shape that the file must have for a variable of this shape, or what is wrong with it. */
function expected(shape: readonly number[], { transpose, outputs }: Origin): readonly number[] {
  const whole = outputs ? [...shape.slice(0, -1), 3 * shape.at(-1)!] : shape
  return transpose ? [...whole].reverse() : whole
}

function laid(value: Value, { transpose, pairs, outputs }: Origin): Floats {
  let data = value.data as Floats
  const inputs = transpose ? value.shape[1]! : 1
  // Outputs are rows of a kernel that is transposed, and columns of any other.
  if (outputs && transpose) data = data.subarray(outputs[0] * inputs, outputs[1] * inputs)
  else if (outputs) data = columnsOf(data, value.shape.at(-1)!, ...outputs)
  if (pairs !== undefined) data = halved(data, value.shape[0]!, pairs)
  return transpose ? transposed(data, data.length / inputs, inputs) : data
}

/**
 * The variables of a published decoder, each as this project lays it out: kernels [in, out], rotations by halves. `shapes` are those that the
 * decoder's own `init` gives. Beside the numbers themselves, one tensor at a time is held twice.
 * Throws `OCK-GPT-005` for tensors that are missing or of another shape, all at once.
 */
export function publishedWeights(file: Published, shapes: Readonly<Record<string, readonly number[]>>): Record<string, Value> {
  const from = origins(file.naming, file.sizes)
  const problems = new Problems()
  for (const [name, shape] of Object.entries(shapes)) {
    const origin = from[name]!
    const given = file.shapes.get(origin.name)
    const wanted = expected(shape, origin).join(', ')
    if (given?.join(', ') === wanted) continue
    problems.add({
      code: 'OCK-GPT-005',
      what: given ? `the tensor is [${given.join(', ')}], not [${wanted}]` : 'the tensor is missing',
      where: origin.name,
      remedy: 'the file does not fit its own configuration; get it again',
    })
  }
  problems.check()
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const origin = from[name]!
      const value = file.load(origin.name)
      if (value.dtype !== 'float32')
        throw new InputError({ code: 'OCK-GPT-005', what: `the tensor holds ${value.dtype}`, where: origin.name })
      return [name, { shape, dtype: 'float32', data: laid(value, origin) }]
    }),
  )
}

/** A decoder's variables for some of its tokens alone, rows of the token table and columns of a head of its own: their logits stay what they are. */
export function keptRows(params: Readonly<Record<string, Value>>, kept: readonly number[]): Record<string, Value> {
  const table = params['tokens.table']!
  const width = table.shape[1]!
  const rows = new Float32Array(kept.length * width)
  kept.forEach((id, i) => rows.set((table.data as Floats).subarray(id * width, (id + 1) * width), i * width))
  const head = params['head.kernel']
  const columns = head && new Float32Array(width * kept.length)
  if (head && columns)
    for (let i = 0; i < width; i++) kept.forEach((id, j) => (columns[i * kept.length + j] = head.data[i * head.shape[1]! + id]!))
  return {
    ...params,
    'tokens.table': { ...table, shape: [kept.length, width], data: rows },
    ...(head && columns && { 'head.kernel': { ...head, shape: [width, kept.length], data: columns } }),
  }
}

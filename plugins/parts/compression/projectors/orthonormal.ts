import type { HostKey } from 'ockham'

/**
 * Q of the QR factorisation of a Gaussian matrix [rows, columns], rows ≥ columns, with the signs that make R's diagonal positive: columns
 * exactly orthonormal, Haar distributed. Gram–Schmidt twice in float64, which is as good as Householder. Row-major.
 */
export function orthonormal(key: HostKey, rows: number, columns: number): Float64Array {
  const draw = key.normal([columns, rows]).data
  // Columns lie in a row, so that every sum runs along memory.
  const q = Array.from({ length: columns }, (_, j) => Float64Array.from(draw.subarray(j * rows, (j + 1) * rows)))
  for (let j = 0; j < columns; j++) {
    const own = q[j]!
    for (let turn = 0; turn < 2; turn++)
      for (let i = 0; i < j; i++) {
        const other = q[i]!
        let along = 0
        for (let r = 0; r < rows; r++) along += own[r]! * other[r]!
        for (let r = 0; r < rows; r++) own[r]! -= along * other[r]!
      }
    let square = 0
    for (let r = 0; r < rows; r++) square += own[r]! * own[r]!
    const norm = Math.sqrt(square)
    for (let r = 0; r < rows; r++) own[r]! /= norm
  }
  return Float64Array.from({ length: rows * columns }, (_, at) => q[at % columns]![Math.floor(at / columns)]!)
}

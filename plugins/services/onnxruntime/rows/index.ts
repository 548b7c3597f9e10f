import { activation } from './activation.js'
import { binary } from './binary.js'
import { convolutions } from './convolution.js'
import { indexing } from './indexing.js'
import { linear } from './linear.js'
import { poolings } from './pooling.js'
import { norm } from './norm.js'
import { reduction } from './reduction.js'
import type { Row } from './row.js'
import { shape } from './shape.js'
import { transcendental } from './transcendental.js'
import { unary } from './unary.js'

/** The lowering table: one row a kernel. */
export const rows: ReadonlyMap<string, Row> = new Map(
  [unary, activation, binary, reduction, shape, indexing, linear, norm, transcendental, convolutions, poolings].flatMap((part) =>
    Object.entries(part),
  ),
)
export { Call, elementType } from './row.js'
export type { Float, Row } from './row.js'
export { inverse } from './linear.js'

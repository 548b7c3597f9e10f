import { convolutions } from './signatures/convolution.js'
import { einsums } from './signatures/einsum.js'
import { elementwise } from './signatures/elementwise.js'
import { lookups } from './signatures/lookups.js'
import { moves } from './signatures/moves.js'
import { poolings } from './signatures/pooling.js'
import { products } from './signatures/products.js'
import { reductions } from './signatures/reductions.js'
import type { Table } from './signatures/row.js'

/**
 * Signatures of the kernels that may be traced: inputs in the order of a node's `inputs`, results, attributes. Names and
 * attributes are tfjs'. A kernel that is not here, nor among the compositions of the tracer, is refused where it is used.
 */
export const kernels: Table = { ...elementwise, ...reductions, ...moves, ...lookups, ...products, ...einsums, ...convolutions, ...poolings }

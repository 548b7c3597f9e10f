import { definePlugin } from 'ockham'

export { blockCholesky } from './block-cholesky.js'
export { blockInverse, gains, type Inverted } from './block-inverse.js'
export { blockProduct } from './block-product.js'
export { cholesky, choleskyJittered, type Jittered } from './cholesky.js'
export { conjugateGradients, type Operator, type Solved } from './conjugate-gradients.js'
export { eigenSymmetric } from './eigen.js'
export { gram, outerGram, product, transpose } from './gram.js'
export { inverseFactored, inverseLower, inverseSpd } from './inverse.js'
export { eigenTridiagonal, lanczos, lanczosSteps, logDeterminantStochastic, type Tridiagonal } from './lanczos.js'
export { logDeterminant } from './log-determinant.js'
export { matrix } from './matrix.js'
export { pivotedCholesky, woodbury, type Pivoted } from './pivoted-cholesky.js'
export { solveFactored, solveLower, solveLowerTransposed, solveSpd } from './solve.js'
export { svd, type Svd } from './svd.js'
export { definite, joined, leavesDeterminant, paddedRows, quartersOf, tracedInverse, type Quartered } from './traced-inverse.js'

export default definePlugin({ name: 'linalg', provides: [] })

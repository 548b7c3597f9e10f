import { definePlugin } from 'ockham'

export { cholesky, choleskyJittered, type Jittered } from './cholesky.js'
export { eigenSymmetric } from './eigen.js'
export { gram, outerGram, product, transpose } from './gram.js'
export { inverseFactored, inverseSpd } from './inverse.js'
export { logDeterminant } from './log-determinant.js'
export { matrix } from './matrix.js'
export { solveFactored, solveLower, solveLowerTransposed, solveSpd } from './solve.js'

export default definePlugin({ name: 'linalg', provides: [] })

import { binaries } from './test-cases/binary.js'
import type { Case } from './test-cases/case.js'
import { composedCases } from './test-cases/composed.js'
import { convolutions } from './test-cases/convolution.js'
import { drawnCases } from './test-cases/drawn.js'
import { elementwise } from './test-cases/elementwise.js'
import { gradients } from './test-cases/gradients.js'
import { images } from './test-cases/images.js'
import { lookups } from './test-cases/lookups.js'
import { moves } from './test-cases/moves.js'
import { products } from './test-cases/products.js'
import { reductions } from './test-cases/reductions.js'

export { random, type Case, type Random } from './test-cases/case.js'

/** One case and more for every kernel that may be traced: each executor is held to what tfjs' cpu backend computes. */
export const cases: readonly Case[] = [
  ...elementwise,
  ...binaries,
  ...reductions,
  ...moves,
  ...lookups,
  ...products,
  ...gradients,
  ...convolutions,
  ...images,
  ...composedCases,
  ...drawnCases,
]

import type { Composed } from './composed.js'
import { pictures } from './pictures.js'
import { placings } from './places.js'
import { volumes } from './volumes.js'

export type { Composed } from './composed.js'

/** Kernels that few networks use: written once, for every machine and order of derivative. */
export const composed: Readonly<Record<string, Composed>> = { ...volumes, ...pictures, ...placings }

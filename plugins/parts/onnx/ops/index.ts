import type { Op } from '../at.js'
import { elementwise } from './elementwise.js'
import { linear } from './linear.js'
import { norms } from './norms.js'
import { reductions } from './reductions.js'
import { shapes } from './shapes.js'
import { windows } from './window.js'

/** The operators there are, by name; of other domains than ONNX' own with the domain before it. */
export const ops: ReadonlyMap<string, Op> = new Map(
  [elementwise, linear, norms, reductions, shapes, windows].flatMap((part) => Object.entries(part)),
)

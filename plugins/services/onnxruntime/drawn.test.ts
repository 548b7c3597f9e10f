import { describe } from 'vitest'
import { cases } from '../engine/test-cases.js'
import { checkDerivatives } from './testing.js'

const images = /Conv|Pool|Resize|Dilation|LRN|Norm/

describe('derivatives on shapes that are drawn: elements, axes, places and products', () =>
  checkDerivatives(cases.filter((c) => c.drawn && !images.test(c.kernel))))

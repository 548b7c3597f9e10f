import { expect, it } from 'vitest'
import { turn, turned } from './turn.js'

it('is cosine and sine of a share of a turn, in every eighth and at its edges', () => {
  for (let eighth = 0; eighth < 8; eighth++)
    for (const within of [0, 1, 2 ** 20, 0x0fffffff, 0x1ffffffe, 0x1fffffff]) {
      const word = eighth * 2 ** 29 + within
      turn(word | 0)
      const angle = (2 * Math.PI * word) / 2 ** 32
      expect(Math.abs(turned[0]! - Math.cos(angle))).toBeLessThan(2e-15)
      expect(Math.abs(turned[1]! - Math.sin(angle))).toBeLessThan(2e-15)
    }
})

import { expect, Mismatch, one, type Table } from './row.js'

/** Subscripts of `ab,bc->ac`: those of each operand, and those of the result. */
export function subscripts(equation: string): { readonly operands: readonly string[]; readonly result: string } {
  const [left, right, ...more] = equation.replace(/\s/g, '').split('->')
  const operands = left!.split(',')
  const plain = [...operands, right ?? ''].every((s) => /^[A-Za-z]*$/.test(s) && new Set(s).size === s.length)
  if (right === undefined || more.length > 0 || !plain) {
    throw new Mismatch(`'${equation}' is not of the form 'ij,jk->ik' with each letter once a term`)
  }
  return { operands, result: right }
}

export const einsums: Table = {
  Einsum: {
    inputs: 'list',
    infer: (xs, attrs) => {
      const { operands, result } = subscripts(attrs.equation as string)
      if (operands.length !== xs.length) throw new Mismatch(`'${String(attrs.equation)}' names ${operands.length} operands of ${xs.length}`)
      const sizes = new Map<string, number>()
      xs.forEach((x, i) => {
        expect(x, 'float32')
        if (x.shape.length !== operands[i]!.length) throw new Mismatch(`'${operands[i]}' of a tensor of rank ${x.shape.length}`)
        x.shape.forEach((n, axis) => {
          const letter = operands[i]![axis]!
          if ((sizes.get(letter) ?? n) !== n) throw new Mismatch(`${letter} is both ${sizes.get(letter)} and ${n}`)
          sizes.set(letter, n)
        })
      })
      const shape = [...result].map((letter) => {
        const size = sizes.get(letter)
        if (size === undefined) throw new Mismatch(`${letter} is in no operand`)
        return size
      })
      return one(shape, 'float32', { equation: attrs.equation })
    },
  },
}

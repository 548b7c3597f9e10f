/** Only the inputs among the fields of examples, `x` or `x.<name>`: what a posterior predicts from. */
export const inputsOf = <T>(fields: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => name === 'x' || name.startsWith('x.')))

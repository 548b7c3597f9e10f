import { InputError } from 'ockham'
import { Mark } from './line.js'

/** Raises a coded error at the user's line. `{op}` in the text becomes the name of what was called there. */
export function refusal(code: string, what: string, remedy: string, mark: Mark = new Mark()): InputError {
  const where = mark.line
  return new InputError({
    code: `OCK-ENGINE-${code}`,
    what: what.replace('{op}', mark.call ?? 'this call'),
    ...(where !== undefined && { where }),
    remedy,
  })
}

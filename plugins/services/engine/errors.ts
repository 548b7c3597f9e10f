import { InputError } from 'ockham'
import { Mark } from './line.js'

/** A coded error at the user's line. `{op}` in the text becomes the name of what was called there, `other` where that is not known. */
export function refusal(code: string, what: string, remedy: string, other = 'this call'): InputError {
  const mark = new Mark()
  const where = mark.line
  return new InputError({
    code: `OCK-ENGINE-${code}`,
    what: what.replace('{op}', mark.call ?? other),
    ...(where !== undefined && { where }),
    remedy,
  })
}

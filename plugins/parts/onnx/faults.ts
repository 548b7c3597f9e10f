import { InputError, type Fault } from 'ockham'

/** A name of the file in a message: quoted, so that nothing in it acts, and no longer than needed. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

export const fault = (code: number, what: string, where: string, remedy: string): Fault => ({
  code: `OCK-ONNX-${String(code).padStart(3, '0')}`,
  what,
  where,
  remedy,
})

export const refusal = (...of: Parameters<typeof fault>): InputError => new InputError(fault(...of))

import type { Field } from '../gather.js'

/** The field with its numbers in memory that workers share. */
export function shared(field: Field): Field {
  if (field.data.buffer instanceof SharedArrayBuffer) return field
  const Kind = field.data.constructor as Uint8ArrayConstructor
  const data = new Kind(new SharedArrayBuffer(field.data.byteLength))
  data.set(field.data)
  return { ...field, data }
}

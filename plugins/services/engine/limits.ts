import { totalmem } from 'node:os'

/** Bytes that this process may use: what its container grants, or what the machine has. */
export function constrainedMemory(): number {
  const granted = process.constrainedMemory()
  return granted > 0 && granted < totalmem() ? granted : totalmem()
}

import type { Json, Values } from '../contracts/index.js'

/** Values with meta-data under one name. */
export interface Stored {
  readonly values: Values
  readonly meta: Json
}

/** Where a run keeps what must survive a kill. A write is whole or did not happen. */
export interface Store {
  read(name: string): Promise<Stored | undefined>
  write(name: string, stored: Stored): Promise<void>
}

/** A store that lives as long as the process: runs without a folder. */
export const memoryStore = (): Store => {
  const kept = new Map<string, Stored>()
  return {
    read: (name) => Promise.resolve(kept.get(name)),
    write: (name, stored) => Promise.resolve(void kept.set(name, stored)),
  }
}

import type { Engine } from 'ockham'

/** Something an engine compiles once, when it is first wanted; `release` gives back the memory that its runs keep. */
export function perEngine<P extends { dispose(): void }>(
  make: (engine: Engine) => P,
): { of(engine: Engine): P; release(engine: Engine): void } {
  const made = new WeakMap<Engine, P>()
  return {
    of(engine) {
      const found = made.get(engine) ?? make(engine)
      made.set(engine, found)
      return found
    },
    release(engine) {
      made.get(engine)?.dispose()
      made.delete(engine)
    },
  }
}

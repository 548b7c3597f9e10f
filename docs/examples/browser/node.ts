/* The few things of Node that the engine and its parts ask for, as far as a page can have them. */

const { memory } = performance as unknown as { readonly memory?: { readonly jsHeapSizeLimit: number } }

export const process = {
  cwd: () => '/',
  constrainedMemory: () => 0,
  emitWarning: (message: string) => console.warn(message),
  stderr: { write: (text: string) => console.warn(text) },
  rawListeners: () => [],
  removeListener: () => undefined,
}
/** Libraries that read data make a few when they are loaded. */
export const Buffer = {
  from: (text: string) => new TextEncoder().encode(text),
  alloc: (n: number) => new Uint8Array(n),
  isBuffer: () => false,
}
export const setImmediate = (go: () => void) => void setTimeout(go)

// node:os
export const totalmem = (): number => memory?.jsHeapSizeLimit ?? 2 ** 32

// node:path and node:url: they name lines of code in errors.
export const sep = '/'
export const join = (...parts: readonly string[]): string => parts.join('/')
export const dirname = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const relative = (from: string, to: string): string => (to.startsWith(from) ? to.slice(from.length) : to)
export const fileURLToPath = (url: string | URL): string => new URL(url, document.baseURI).pathname

// node:crypto: constants are told apart by all of their bytes.
export function createHash() {
  let text = ''
  const hash = {
    update: (bytes: Uint8Array) => {
      text += bytes.join()
      return hash
    },
    digest: () => text,
  }
  return hash
}

// The engine's bundle: there is nothing to make.
export const packageRoot = (): string => '/'
export const versions = { 'tfjs-core': 'bundled' }

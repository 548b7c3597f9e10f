import type { Value } from 'ockham'

/** How an engine watches what runs on it. */
export interface EngineOptions {
  /** `finite`: where a result is not finite, the call is made again to find the first operation that made one (`OCK-ENGINE-022`). Loops then copy their carry at every call. */
  readonly check?: 'finite'
  /** Bytes that a program may take; by default what the process may use. */
  readonly memory?: number
  /** Bytes of compiled programs that rest, beyond which those that rested longest are given up and compiled anew when they are called; 2 GiB by default. */
  readonly resting?: number
  /** Where `engine.print` goes; by default a line on standard error. */
  readonly print?: (name: string, value: Value, step?: number) => void
}

const most = 8

/** `loss (step 3): float32 [] 0.25`, the first eight numbers of larger values. */
export function printed(name: string, { shape, dtype, data }: Value, step?: number): void {
  const some = Array.from(data.subarray(0, most), (x) => Number(x.toPrecision(7))).join(' ')
  const rest = data.length > most ? ` … ${data.length} numbers` : ''
  process.stderr.write(`${name}${step === undefined ? '' : ` (step ${step})`}: ${dtype} [${shape.join(', ')}] ${some}${rest}\n`)
}

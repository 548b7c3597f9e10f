/** What a row of the benchmark prints, one JSON line. */
export interface Result {
  readonly work: string
  /** Median milliseconds of one unit of work, ours. */
  readonly ms: number
  /** The peer's median for the same work; null where the peer is not there, and then `reason` says why. */
  readonly peerMs: number | null
  readonly ratio: number | null
  readonly [detail: string]: string | number | null
}

/** One row of the benchmark. */
export interface Row {
  readonly about: string
  run(): Promise<Result>
}

export const round = (x: number, digits = 3): number => Number(x.toFixed(digits))

const sorted = (times: readonly number[]): number[] => [...times].sort((a, b) => a - b)
export const median = (times: readonly number[]): number => sorted(times)[times.length >> 1]!
export const smallest = (times: readonly number[]): number => sorted(times)[0]!

/** Times of `work`, in ms, called until `seconds` have passed; the first three calls do not count. */
export async function timed(work: () => Promise<unknown>, seconds: number): Promise<number[]> {
  for (let i = 0; i < 3; i++) await work()
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end || times.length < 5) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return times
}

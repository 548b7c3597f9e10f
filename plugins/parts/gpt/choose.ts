import { InputError, type HostKey } from 'ockham'

/** How a token is chosen from logits. */
export interface Choice {
  /** Logits are divided by it; 0, the default, takes the likeliest token. */
  readonly temperature?: number
  /** Only the k likeliest tokens. */
  readonly topK?: number
  /** Only the likeliest tokens that together reach p (Holtzman et al. 2020). */
  readonly topP?: number
  /** Logits of tokens that are there already are divided by it where positive, multiplied where negative (Keskar et al. 2019); 1 changes none. */
  readonly repetitionPenalty?: number
}

/** Throws `OCK-GPT-007` with every option that is outside its range. */
export function checkChoice({ temperature = 0, topK, topP, repetitionPenalty = 1 }: Choice): void {
  const wrong = [
    ...(temperature >= 0 && Number.isFinite(temperature) ? [] : [['temperature', 'give 0 or more']]),
    ...(topK === undefined || (Number.isInteger(topK) && topK > 0) ? [] : [['topK', 'give a whole number of at least 1']]),
    ...(topP === undefined || (topP > 0 && topP <= 1) ? [] : [['topP', 'give a number above 0, at most 1']]),
    ...(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty) ? [] : [['repetitionPenalty', 'give a number above 0']]),
  ] as const
  if (wrong.length > 0)
    throw new InputError(
      wrong.map(([where, remedy]) => ({ code: 'OCK-GPT-007', what: 'the number is outside its range', where: where!, remedy: remedy! })),
    )
}

function likeliest(z: Float32Array): number {
  let best = 0
  for (let i = 1; i < z.length; i++) if (z[i]! > z[best]!) best = i
  return best
}

/** The k-th largest number. */
const kth = (z: Float32Array, k: number): number => (k >= z.length ? -Infinity : z.slice().sort()[z.length - k]!)

/**
 * The next token from logits [V], which are changed: those of `seen` tokens penalised, those that `allowed` leaves out (0) impossible; then
 * temperature, top-k and top-p in this order, and a draw of `key`. Throws `OCK-GPT-008` where nothing is allowed.
 */
export function choose(z: Float32Array, seen: Iterable<number>, choice: Choice, key: HostKey, allowed?: ArrayLike<number>): number {
  const { temperature = 0, topK, topP, repetitionPenalty: penalty = 1 } = choice
  if (penalty !== 1) for (const id of new Set(seen)) z[id] = z[id]! > 0 ? z[id]! / penalty : z[id]! * penalty
  if (allowed) for (let i = 0; i < z.length; i++) if (!allowed[i]) z[i] = -Infinity
  const best = likeliest(z)
  const top = z[best]!
  if (top === -Infinity)
    throw new InputError({ code: 'OCK-GPT-008', what: 'the mask allows no token', where: 'allowed', remedy: 'allow at least one' })
  if (temperature === 0) return best
  const least = topK === undefined ? -Infinity : kth(z, topK)
  // What falls short of (1 − p) / V of all can never be among those that reach p: few are left to sort.
  let total = 0
  const heavy: { readonly id: number; readonly p: number }[] = []
  for (let id = 0; id < z.length; id++) {
    if (z[id]! < least || z[id] === -Infinity) continue
    const p = Math.exp((z[id]! - top) / temperature)
    total += p
    heavy.push({ id, p })
  }
  const kept = topP === undefined || topP === 1 ? heavy : nucleus(heavy, total, topP, z.length)
  const mass = kept.reduce((sum, { p }) => sum + p, 0)
  let left = key.uniform([1]).data[0]! * mass
  for (const { id, p } of kept) if ((left -= p) < 0) return id
  return kept.at(-1)!.id
}

function nucleus<T extends { readonly p: number; readonly id: number }>(
  all: readonly T[],
  total: number,
  topP: number,
  count: number,
): T[] {
  const sorted = all.filter(({ p }) => p >= ((1 - topP) * total) / count).sort((a, b) => b.p - a.p || a.id - b.id)
  let reached = 0
  const end = sorted.findIndex(({ p }) => (reached += p) >= topP * total)
  return end < 0 ? sorted : sorted.slice(0, end + 1)
}

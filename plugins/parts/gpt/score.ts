import { reader, type Served } from './reader.js'
import { checkTokens } from './sizes.js'

/** Tokens a call: bounds the memory that logits take. */
const chunk = 128

/**
 * −log p of every token but the first given those before it, nats, float64 [n − 1]. Texts longer than the context are read in windows: each
 * begins with the last half a context of the one before, so that no token has less than that before it. Throws `OCK-GPT-006` for tokens that the
 * model lacks.
 */
export async function score(served: Served, ids: Int32Array): Promise<Float64Array> {
  checkTokens(ids, served.sizes, 'ids')
  const nll = new Float64Array(Math.max(0, ids.length - 1))
  const { context, opening = 0 } = served.sizes
  const room = Math.max(1, Math.min(context - opening, nll.length))
  const reading = reader(served, 1, room)
  try {
    for (let done = 0; done < nll.length;) {
      const start = done === 0 ? 0 : done - Math.floor(room / 2)
      const end = Math.min(start + room, nll.length)
      for (let at = start; at < end; at += chunk) {
        const to = Math.min(at + chunk, end)
        const found = await reading.judge(ids.slice(at, to), ids.slice(at + 1, to + 1))
        for (let i = Math.max(at, done); i < to; i++) nll[i] = found[i - at]!
      }
      reading.forget()
      done = end
    }
    return nll
  } finally {
    reading.dispose()
  }
}

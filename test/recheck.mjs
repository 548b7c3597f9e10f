/*
 * Checks the certificates of a run again with nothing of Ockham: `node test/recheck.mjs RUN`, where RUN learnt glyphs by `quantised` in a `kronecker`
 * subspace of an `mlp`. The message is decoded, the network is built from it and evaluated on the images, and the bounds are computed from what
 * was counted. Prints one JSON object: what was found beside what the run claims.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const folder = process.argv[2]
const result = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'))
const levels = result.spec.inference.levels

/** Arrays of a safetensors file. */
function tensors(file) {
  const all = readFileSync(file)
  const size = Number(all.readBigUInt64LE(0))
  const kinds = { F32: Float32Array, I32: Int32Array }
  const head = Object.entries(JSON.parse(all.subarray(8, 8 + size).toString())).filter(([, { dtype }]) => kinds[dtype])
  return Object.fromEntries(
    head.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const bytes = Uint8Array.from(all.subarray(8 + size + from, 8 + size + to))
        return [name, { shape, data: new kinds[dtype](bytes.buffer) }]
      },
    ),
  )
}

const half = (bits) => {
  const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023]
  return (bits >> 15 ? -1 : 1) * (exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24)
}

const choose = (n, k) => {
  let value = 1n
  for (let i = 1; i <= k; i++) value = (value * BigInt(n - k + i)) / BigInt(i)
  return k > n ? 0n : value
}

/** Numbers that the message says, and its length in bits. */
function decoded(payload, dim) {
  const bits = Array.from(payload, (byte) => byte.toString(2).padStart(8, '0')).join('')
  let at = 0
  const take = (n) => bits.slice(at, (at += n))
  const codebook = Array.from({ length: levels }, () => half(parseInt(take(16), 2)))
  const width = (choose(dim + levels - 1, levels - 1) - 1n).toString(2).length
  let rank = BigInt(`0b${take(width)}`)
  const bars = []
  for (let k = levels - 1; k >= 1; k--) {
    let bar = k - 1
    while (choose(bar + 1, k) <= rank) bar++
    rank -= choose(bar, k)
    bars.unshift(bar)
  }
  const counts = [...bars, dim + levels - 1].map((bar, i) => bar - (i === 0 ? -1 : bars[i - 1]) - 1)
  // The interval of the code in exact fractions of 2^32, as Witten, Neal and Cleary have it.
  const tail = bits.slice(at)
  let [low, high, moved] = [0, 2 ** 32 - 1, 0]
  let value = parseInt(tail.padEnd(dim * 32, '0').slice(0, 32), 2)
  const numbers = []
  for (let i = 0; i < dim; i++) {
    const range = high - low + 1
    let [symbol, below] = [0, 0]
    const edge = (count) => low + Math.floor((range * count) / dim)
    while (value >= edge(below + counts[symbol])) below += counts[symbol++]
    numbers.push(codebook[symbol])
    const top = edge(below + counts[symbol]) - 1
    low = edge(below)
    high = top
    for (;;) {
      const shift = high < 2 ** 31 ? 0 : low >= 2 ** 31 ? 2 ** 31 : low >= 2 ** 30 && high < 3 * 2 ** 30 ? 2 ** 30 : -1
      if (shift < 0) break
      low = 2 * (low - shift)
      high = 2 * (high - shift) + 1
      value = 2 * (value - shift) + Number(tail[32 + moved++] ?? 0)
    }
  }
  const entropy = counts.reduce((sum, n) => sum - (n ? n * Math.log2(n / dim) : 0), 0)
  return { numbers, side: at, entropy, longest: bits.length }
}

/** θ = θ₀ + (A ⊗ B) w, permuted. */
function weights(saved, w) {
  const [a, b, order] = ['a', 'b', 'order'].map((name) => saved[`frozen.P.${name}`])
  const [k, q] = a.shape
  const y = new Float64Array(order.data.length)
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++)
      for (let r = 0; r < q; r++) for (let c = 0; c < q; c++) y[i * k + j] += a.data[i * q + r] * (w[r * q + c] ?? 0) * b.data[j * q + c]
  let at = 0
  const names = Object.keys(saved).filter((name) => name.startsWith('frozen.at0.'))
  return Object.fromEntries(
    names.sort().map((name) => {
      const { shape, data } = saved[name]
      return [name.slice('frozen.at0.'.length), { shape, data: Float32Array.from(data, (start) => start + y[order.data[at++]]) }]
    }),
  )
}

const idx = (name, skip) =>
  gunzipSync(readFileSync(join(import.meta.dirname, '../plugins/parts/datasets/glyphs/data', `digits-${name}-ubyte.gz`))).subarray(skip)

/** Errors of the network on a split. */
function errors(theta, split) {
  const pixels = idx('train-images-idx3', 16)
  const mean = pixels.reduce((s, x) => s + x / 255, 0) / pixels.length
  const std = Math.sqrt(pixels.reduce((s, x) => s + (x / 255 - mean) ** 2, 0) / pixels.length)
  const [images, labels] = [idx(`${split}-images-idx3`, 16), idx(`${split}-labels-idx1`, 8)]
  const layers = Object.keys(theta)
    .filter((n) => n.endsWith('.kernel'))
    .map((n) => n.slice(0, -7))
    .sort((x, y) => (x === 'head') - (y === 'head') || (x < y ? -1 : 1))
  let wrong = 0
  for (let row = 0; row < labels.length; row++) {
    let h = Float64Array.from(images.subarray(row * 784, (row + 1) * 784), (x) => (x / 255 - mean) / std)
    for (const layer of layers) {
      const { shape, data } = theta[`${layer}.kernel`]
      const out = Float64Array.from(theta[`${layer}.bias`].data)
      for (let i = 0; i < shape[0]; i++) if (h[i] !== 0) for (let o = 0; o < shape[1]; o++) out[o] += h[i] * data[i * shape[1] + o]
      h = layer === 'head' ? out : out.map((x) => Math.max(0, x))
    }
    if (h.some((x, c) => c !== labels[row] && x >= h[labels[row]])) wrong++
  }
  return { n: labels.length, wrong }
}

/** The largest p in [from, 1] at which a falling or rising condition still holds. */
const largest = (from, holds) => {
  let [low, high] = [from, 1]
  for (let i = 0; i < 100; i++) holds((low + high) / 2) ? (low = (low + high) / 2) : (high = (low + high) / 2)
  return high
}

const kl = (q, p) => (q > 0 ? q * Math.log(q / p) : 0) + (q < 1 ? (1 - q) * Math.log((1 - q) / (1 - p)) : 0)

/** P(at most k of n) under p. */
function tail(k, n, p) {
  let term = n * Math.log1p(-p)
  let sum = Math.exp(term)
  for (let i = 1; i <= k; i++) sum += Math.exp((term += Math.log(((n - i + 1) / i) * (p / (1 - p)))))
  return sum
}

const file = readFileSync(join(folder, 'message.bin'))
const payload = file.subarray(12 + file.readUInt32LE(8))
const saved = tensors(join(folder, 'posterior.safetensors'))
const dim = result.spec.model.dim
const { numbers, side, entropy, longest } = decoded(payload, dim)
const theta = weights(saved, numbers)
const found = result.certificates.map(({ bound, value, terms }) => {
  if (bound === 'clopper-pearson') {
    const { n, wrong } = errors(theta, 'test')
    return {
      bound,
      claimed: value,
      value: largest(wrong / n, (p) => tail(wrong, n, p) >= terms.delta),
      risk: wrong / n,
      claimedRisk: terms.rate,
    }
  }
  const { n, wrong } = errors(theta, 'train')
  const bits = terms['bits.symbols'] + side
  // Mean and deviation of the pixels, as float64, are of the same data.
  const length = bits + 2 * Math.log2(bits) + 1 + terms['bits.choices'] + 2 * 64
  const budget = (length * Math.LN2 - Math.log(terms.delta)) / n
  const honest = bits <= longest && bits > longest - 8 && terms['bits.symbols'] >= entropy - 1e-6
  return {
    bound,
    claimed: value,
    value: largest(wrong / n, (p) => kl(wrong / n, p) <= budget),
    risk: wrong / n,
    claimedRisk: terms.rate,
    honest,
  }
})
console.log(JSON.stringify(found))

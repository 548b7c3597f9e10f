import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Engine, Tensors } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { reader, servePublished, type Served } from '../../plugins/parts/gpt/index.js'
import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { memory } from './peak.js'
import { peer } from './peer.js'
import { median, round, smallest, timed } from './row.js'
import type { Result, Row } from './row.js'
import { added, file, forward, greedy, loraStep, smollm2, type Work } from './smollm2.js'

const threads = 2
const seconds = 8

const engineOf = async (): Promise<Engine> => createEngine(await onnxruntime({ threads }))
const script = fileURLToPath(new URL('smollm2_peer.py', import.meta.url))
const absent = 'set OCKHAM_SMOLLM2 to SmolLM2-135M-Instruct.Q4_1.gguf'

/** Ours, then PyTorch's and transformers' for the same work. */
const against = (about: string, work: string, make: (served: Served) => Promise<Work>): Row => ({
  about: `SmolLM2-135M, ${about}, float32, ${threads} threads; peer: PyTorch and transformers`,
  async run(): Promise<Result> {
    const row = `smollm2-${work}`
    if (!file) return { work: row, ms: 0, peerMs: null, ratio: null, reason: absent }
    const engine = await engineOf()
    const made = await make(await smollm2(engine, file))
    const times = await timed(() => made.run(), seconds)
    made.dispose()
    await engine.dispose()
    const [ms, minMs] = [median(times), smallest(times)].map((x) => round(x)) as [number, number]
    const theirs = await peer(script, work, threads, seconds, ['--model', file])
    if ('reason' in theirs) return { work: row, ms, minMs, peerMs: null, ratio: null, reason: theirs.reason }
    const { ms: peerMs, minMs: peerMinMs } = theirs
    return {
      work: row,
      ms,
      minMs,
      peerMs: round(peerMs),
      peerMinMs: round(peerMinMs),
      ratio: round(ms / peerMs),
      minRatio: round(minMs / peerMinMs),
    }
  },
})

const bytesOf = ({ vars }: Served): number => Object.values(vars.params).reduce((n, { data }) => n + data.byteLength, 0)

/** Milliseconds in which every weight is read once, as a product with one row reads it: what memory allows. */
async function reading({ engine, vars }: Served): Promise<number> {
  const program = engine.compile((a: { row: Tensor }) => {
    const products = Object.values(engine.capture(vars.params) as Tensors).filter((w) => w.rank === 2)
    return tf.addN(products.map((w) => tf.matMul(a.row, w.reshape([-1, 576]), false, true).max()))
  })
  const row = { shape: [1, 576], dtype: 'float32' as const, data: new Float32Array(576).fill(1) }
  const times = await timed(() => program({ row }), 2)
  program.dispose()
  return smallest(times)
}

/** A token at a time, the programs there; and what a whole `generate` of 48 takes, its programs made anew. */
const generation: Row = {
  about: `SmolLM2-135M, greedy, a token after those before it, float32, ${threads} threads; peer: PyTorch and transformers; the memory's limit beside`,
  async run(): Promise<Result> {
    const work = 'smollm2-generate'
    if (!file) return { work, ms: 0, peerMs: null, ratio: null, reason: absent }
    const engine = await engineOf()
    const served = await servePublished(file, engine)
    const bytes = bytesOf(served)
    const readMs = await reading(served)
    const whole = greedy(served, file)
    const begun = performance.now()
    await whole.run()
    const wholeMs = performance.now() - begun
    const tokens = reader(served, 1, 64)
    await tokens.next([[504, 3575, 282, 4649, 314]])
    const times: number[] = []
    for (let i = 0; i < added; i++) {
      const start = performance.now()
      await tokens.next([[28]])
      // The first one makes its program.
      if (i > 0) times.push(performance.now() - start)
    }
    tokens.dispose()
    await engine.dispose()
    const [ms, minMs] = [round(median(times)), round(smallest(times))]
    const limits = { readMs: round(readMs), gigabytesASecond: round(bytes / readMs / 1e6, 1), megabytesAToken: round(bytes / 1e6, 1) }
    const ours = {
      work,
      ms,
      minMs,
      tokensASecond: round(1000 / ms, 1),
      limitTokensASecond: round(1000 / readMs, 1),
      ...limits,
      wholeMs: round(wholeMs, 0),
    }
    const theirs = await peer(script, 'generate', threads, seconds, ['--model', file])
    if ('reason' in theirs) return { ...ours, peerMs: null, ratio: null, reason: theirs.reason }
    const { ms: peerMs, minMs: peerMinMs } = theirs
    return { ...ours, peerMs: round(peerMs), peerMinMs: round(peerMinMs), ratio: round(ms / peerMs), minRatio: round(minMs / peerMinMs) }
  },
}

const self = fileURLToPath(import.meta.url)
const tsx = createRequire(import.meta.url).resolve('tsx')

/** How far the resident memory of a process of its own grows at most while the weights are read, over their size as float32. */
const load: Row = {
  about: 'SmolLM2-135M read from its file: resident memory at its peak over that of an engine without a model, of the float32 weights',
  async run(): Promise<Result> {
    const work = 'smollm2-load'
    if (!file || process.platform !== 'linux') return { work, ms: 0, peerMs: null, ratio: null, reason: file ? 'no /proc' : absent }
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, self, 'load'])
    return { work, peerMs: null, ratio: null, ...(JSON.parse(stdout.trim().split('\n').at(-1)!) as { ms: number }) }
  },
}

async function loaded(path: string): Promise<Record<string, number>> {
  const engine = await engineOf()
  const before = memory('VmRSS')
  const begun = performance.now()
  const served = await servePublished(path, engine)
  const ms = performance.now() - begun
  const [grown, bytes] = [memory('VmHWM') - before, bytesOf(served)]
  return {
    ms: round(ms, 0),
    idleMb: round(before / 2 ** 20, 1),
    grownMb: round(grown / 2 ** 20, 1),
    weightsMb: round(bytes / 2 ** 20, 1),
    share: round(grown / bytes),
  }
}

export const smollm2Rows: Readonly<Record<string, Row>> = {
  'smollm2-forward': against('logits of 1,024 tokens', 'forward', (served) => Promise.resolve(forward(served))),
  'smollm2-lora': against('one AdamW step of adapters of rank 8 on every linear layer, 4×128 tokens', 'lora', loraStep),
  'smollm2-generate': generation,
  'smollm2-load': load,
}

if (process.argv[1] === self) {
  console.log(JSON.stringify(await loaded(file!)))
  process.exit(0)
}

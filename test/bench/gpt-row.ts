import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { gptTraining } from './gpt.js'
import { peak } from './peak.js'
import { peer } from './peer.js'
import { median, round, smallest, timed } from './row.js'
import type { Result, Row } from './row.js'

const threads = 2
const seconds = 4
const turns = 3

/** Ours and the peer in turn; the ratio of medians is over the turn in which the peer was fastest, that of minima over all. */
export const gpt: Row = {
  about: 'GPT 4 layers, width 256, 8×128 tokens, one AdamW step inside a fold, float32, 2 threads; peer: PyTorch',
  async run(): Promise<Result> {
    const engine = createEngine(await onnxruntime({ threads }))
    const training = await gptTraining(engine)
    const ours: number[][] = []
    const theirs = []
    for (let turn = 0; turn < turns; turn++) {
      const calls = await timed(() => training.advance(), seconds)
      ours.push(calls.map((ms) => ms / training.stepsPerCall))
      theirs.push(await peer('torch_steps.py', 'gpt', threads, seconds))
    }
    training.dispose()
    await engine.dispose()
    const [ms, minMs] = [smallest(ours.map(median)), smallest(ours.flat())]
    const work = {
      work: 'gpt',
      ms: round(ms),
      minMs: round(minMs),
      nodes: training.plan.nodes,
      compileMs: round(training.compileMs, 0),
      ...(await peak('gpt')),
    }
    const failed = theirs.find((p) => 'reason' in p)
    if (failed) return { ...work, peerMs: null, ratio: null, reason: failed.reason }
    const measured = theirs as { ms: number; minMs: number }[]
    const [peerMs, peerMinMs] = [smallest(measured.map((p) => p.ms)), smallest(measured.map((p) => p.minMs))]
    return { ...work, peerMs: round(peerMs), peerMinMs: round(peerMinMs), ratio: round(ms / peerMs), minRatio: round(minMs / peerMinMs) }
  },
}

import { training, works } from './convolutional.js'
import { peak } from './peak.js'
import { peer } from './peer.js'
import { median, round, smallest, timed } from './row.js'
import type { Result, Row } from './row.js'

const threads = 2
const seconds = 4
const turns = 3

/** Ours and the peer in turn: of medians the best turn counts on both sides, of minima the best step. */
const imageRow = (name: keyof typeof works, about: string): Row => ({
  about,
  async run(): Promise<Result> {
    const work = works[name]
    const { compileMs, plan, advance, close } = await training(work, threads)
    const [ours, theirs]: [number[][], Awaited<ReturnType<typeof peer>>[]] = [[], []]
    for (let turn = 0; turn < turns; turn++) {
      ours.push((await timed(advance, seconds)).map((ms) => ms / work.stepsPerCall))
      theirs.push(await peer('torch_steps.py', name, threads, seconds))
    }
    const megabytes = round(process.memoryUsage().rss / 2 ** 20, 0)
    await close()
    const [ms, minMs] = [smallest(ours.map(median)), smallest(ours.flat())]
    const made = {
      work: name,
      ms: round(ms),
      minMs: round(minMs),
      nodes: plan.nodes,
      compileMs: round(compileMs, 0),
      megabytes,
      ...(await peak(name)),
    }
    const failed = theirs.find((p) => 'reason' in p)
    if (failed) return { ...made, peerMs: null, ratio: null, reason: failed.reason }
    const measured = theirs as { ms: number; minMs: number }[]
    const [peerMs, peerMinMs] = [smallest(measured.map((p) => p.ms)), smallest(measured.map((p) => p.minMs))]
    return { ...made, peerMs: round(peerMs), peerMinMs: round(peerMinMs), ratio: round(ms / peerMs), minRatio: round(minMs / peerMinMs) }
  },
})

/** Networks of images, a training step inside a fold, float32, 2 threads; peer: PyTorch. */
export const images: Readonly<Record<string, Row>> = {
  cnn: imageRow('cnn', 'CNN 32-64-256 on 28×28, batch 128, one Adam step inside a fold, float32, 2 threads; peer: PyTorch'),
  resnet18: imageRow('resnet18', 'ResNet-18, width 64, batch 32, one SGD step with momentum inside a fold; peer: PyTorch'),
  'resnet18-w16': imageRow('resnet18-w16', 'ResNet-18, width 16, batch 128, one SGD step with momentum inside a fold; peer: PyTorch'),
}

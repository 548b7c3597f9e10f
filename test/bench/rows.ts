import { certificateRows } from './certificates.js'
import { compileRows } from './compile-rows.js'
import { gpt } from './gpt-row.js'
import { gpRows } from './gp.js'
import { images } from './image-rows.js'
import { laplaceRows } from './laplace.js'
import { mlflow } from './mlflow.js'
import { feedsOf, training } from './mlp.js'
import { peak } from './peak.js'
import { peer } from './peer.js'
import { priorRows } from './priors.js'
import { smollm2Rows } from './smollm2-rows.js'
import { tfjsNodeRows } from './tfjs-node.js'
import { median, round, smallest, timed } from './row.js'
import type { Result, Row } from './row.js'

const threads = 2
const stepsPerCall = 32
const seconds = 3

/** Ours and the peer in turn, twice: on a shared machine the load changes from second to second. */
const mlp: Row = {
  about: 'MLP 784-256-10, batch 64, one Adam step inside a fold, float32, 2 threads; peer: PyTorch',
  async run(): Promise<Result> {
    const { advance, close } = await training(threads)
    const feeds = feedsOf(stepsPerCall)
    const ours: number[] = []
    const theirs = []
    for (let turn = 0; turn < 2; turn++) {
      ours.push(...(await timed(() => advance(feeds), seconds)).map((ms) => ms / stepsPerCall))
      theirs.push(await peer('torch_steps.py', 'mlp', threads, seconds))
    }
    await close()
    const work = { work: 'mlp', ms: round(median(ours)), minMs: round(smallest(ours)), ...(await peak('mlp')) }
    const failed = theirs.find((p) => 'reason' in p)
    if (failed) return { ...work, peerMs: null, ratio: null, reason: failed.reason }
    const measured = theirs as { ms: number; minMs: number }[]
    const peerMs = smallest(measured.map((p) => p.ms))
    const peerMinMs = smallest(measured.map((p) => p.minMs))
    const ratios = { ratio: round(median(ours) / peerMs), minRatio: round(smallest(ours) / peerMinMs) }
    return { ...work, peerMs: round(peerMs), peerMinMs: round(peerMinMs), ...ratios }
  },
}

/** The peer is ourselves, one step a call. */
const loop: Row = {
  about: 'the same step: 32 in one call against 32 calls of one',
  async run(): Promise<Result> {
    const { advance, close } = await training(threads)
    const feeds = feedsOf(stepsPerCall)
    const [whole, single]: [number[], number[]] = [[], []]
    for (let turn = 0; turn < 2; turn++) {
      whole.push(...(await timed(() => advance(feeds), seconds)).map((ms) => ms / stepsPerCall))
      single.push(...(await timed(() => advance(feeds.slice(0, 1)), seconds)))
    }
    await close()
    const [ms, peerMs, minMs, peerMinMs] = [median(whole), median(single), smallest(whole), smallest(single)].map((x) => round(x)) as [
      number,
      number,
      number,
      number,
    ]
    return { work: 'loop', ms, minMs, peerMs, peerMinMs, ratio: round(ms / peerMs), minRatio: round(minMs / peerMinMs) }
  },
}

const megabytes = (): number => round(process.memoryUsage().rss / 2 ** 20, 1)

/** Resident memory after a start of 2,000 steps, and after 20,000 more. */
const memory: Row = {
  about: 'resident memory over 20,000 Adam steps',
  async run(): Promise<Result> {
    const { advance, close } = await training(threads)
    const feeds = feedsOf(stepsPerCall)
    const run = async (steps: number): Promise<void> => {
      for (let done = 0; done < steps; done += stepsPerCall) await advance(feeds)
    }
    await run(2000)
    const [beforeMb, start] = [megabytes(), performance.now()]
    await run(20_000)
    const ms = round((performance.now() - start) / 20_000)
    const afterMb = megabytes()
    await close()
    return { work: 'memory', ms, peerMs: null, ratio: null, beforeMb, afterMb, grownMb: round(afterMb - beforeMb, 1) }
  },
}

export const rows: Readonly<Record<string, Row>> = {
  mlp,
  gpt,
  ...images,
  loop,
  ...compileRows,
  memory,
  ...mlflow,
  ...gpRows,
  ...smollm2Rows,
  ...laplaceRows,
  ...priorRows,
  ...tfjsNodeRows,
  ...certificateRows,
}

/** Rows that a name stands for. */
export const families: Readonly<Record<string, readonly string[]>> = {
  engine: ['mlp', 'gpt', 'cnn', 'resnet18', 'resnet18-w16', 'loop', ...Object.keys(compileRows)],
}

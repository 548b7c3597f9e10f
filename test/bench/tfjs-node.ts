import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { tfjsNode } from '../../plugins/services/tfjs-node/index.js'
import { training as imageTraining, works } from './convolutional.js'
import { gptTraining } from './gpt.js'
import { feedsOf, training } from './mlp.js'
import { median, round, smallest, timed, type Result, type Row } from './row.js'

const threads = 2
const seconds = 2

/** A loop under way: some steps a call. */
interface Going {
  readonly steps: number
  advance(): Promise<unknown>
  close(): Promise<void>
}

type Start = (executor: Awaited<ReturnType<typeof onnxruntime>>) => Promise<Going>

const starts: Readonly<Record<'mlp' | 'gpt' | 'cnn', Start>> = {
  async mlp(executor) {
    const { advance, close } = await training(threads, executor)
    const feeds = feedsOf(32)
    return { steps: feeds.length, advance: () => advance(feeds), close }
  },
  async gpt(executor) {
    const engine = createEngine(executor)
    const { advance, stepsPerCall, dispose } = await gptTraining(engine)
    return { steps: stepsPerCall, advance, close: async () => (dispose(), engine.dispose()) }
  },
  async cnn(executor) {
    const { advance, close } = await imageTraining(works.cnn, threads, executor)
    return { steps: works.cnn.stepsPerCall, advance, close }
  },
}

/** Times a step, ms. */
async function stepTimes(start: Start, executor: Parameters<Start>[0]): Promise<number[]> {
  const { steps, advance, close } = await start(executor)
  const times = (await timed(advance, seconds)).map((ms) => ms / steps)
  await close()
  return times
}

/** The peer is the interpreter on TensorFlow's kernels; TFJS_NODE names a folder that has @tensorflow/tfjs-node. */
const row = (work: keyof typeof starts): Row => ({
  about: `the step of ${work} on ONNX Runtime against the same graph on tfjs-node, ${threads} threads`,
  async run(): Promise<Result> {
    const from = process.env['TFJS_NODE']
    const theirs = await tfjsNode(from === undefined ? {} : { from: [from] }).catch((error: unknown) => error as Error)
    const ours = await stepTimes(starts[work], await onnxruntime({ threads }))
    const mine = { work: `tfjs-node-${work}`, ms: round(median(ours)), minMs: round(smallest(ours)) }
    if (theirs instanceof Error) return { ...mine, peerMs: null, ratio: null, reason: `${theirs.message}; or set TFJS_NODE` }
    const peer = await stepTimes(starts[work], theirs)
    const ratio = round(median(ours) / median(peer))
    return { ...mine, peerMs: round(median(peer)), peerMinMs: round(smallest(peer)), ratio, tensorflow: theirs.build['tensorflow']! }
  },
})

/** Against TensorFlow through tfjs. */
export const tfjsNodeRows: Readonly<Record<string, Row>> = {
  'tfjs-node-mlp': row('mlp'),
  'tfjs-node-gpt': row('gpt'),
  'tfjs-node-cnn': row('cnn'),
}

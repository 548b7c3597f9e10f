import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { training, works } from './convolutional.js'
import { gptTraining } from './gpt.js'
import { median, round, smallest } from './row.js'
import type { Row } from './row.js'

const threads = 2
const times = 3

const compileRow = (work: string, about: string, once: () => Promise<number>): Row => ({
  about,
  async run() {
    const found: number[] = []
    for (let i = 0; i < times; i++) found.push(await once())
    const made = { work, ms: round(median(found), 0), minMs: round(smallest(found), 0), firstMs: round(found[0]!, 0) }
    return { ...made, peerMs: null, ratio: null, reason: 'a time of ours alone' }
  },
})

/** Tracing, rewriting and opening the session of a training step: median of three, and the first, when nothing is warm. */
export const compileRows: Readonly<Record<string, Row>> = {
  'compile-gpt': compileRow('compile-gpt', 'time to compile the GPT step', async () => {
    const engine = createEngine(await onnxruntime({ threads }))
    const { compileMs, dispose } = await gptTraining(engine)
    dispose()
    await engine.dispose()
    return compileMs
  }),
  'compile-resnet18': compileRow('compile-resnet18', 'time to compile the ResNet-18 step', async () => {
    const { compileMs, close } = await training(works.resnet18, threads)
    await close()
    return compileMs
  }),
}

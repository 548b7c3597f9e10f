import { InputError, type DatasetMeta, type Model } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { outputSize } from '../networks/index.js'
import { checkInput, type Layout } from './edge.js'
import { fault, quoted } from './faults.js'
import { interpret } from './interpret.js'
import { planOf, type Plan } from './plan.js'
import { readOnnx } from './read.js'

const layouts = ['auto', 'channels-first', 'channels-last'] as const satisfies readonly Layout[]

export const onnxOptions = z.strictObject({
  file: z.string().min(1).describe('the .onnx file; weights in files beside it are found'),
  weights: z
    .enum(['params', 'frozen'])
    .default('params')
    .describe('params: the weights of the file are where learning starts; frozen: they stay as they are'),
  freeze: z.array(z.string()).default([]).describe('layers or variables that are not learnt, by name, where weights is params'),
  layout: z
    .enum(layouts)
    .default('auto')
    .describe('how the network in the file wants images; datasets give channels last. auto: as its input says, channels first in doubt'),
  input: z.string().optional().describe('name of the input to feed; not needed where there is one'),
  output: z.string().optional().describe('name of the output, or of a value on the way; not needed where there is one output'),
  softmax: z.enum(['drop', 'keep']).default('drop').describe('a softmax at the end is left out, as models give logits, or kept'),
})

export type OnnxOptions = z.output<typeof onnxOptions>

/** Every entry of `freeze` must freeze something. */
function checkFreeze({ params, frozen, file }: Plan, freeze: readonly string[]): void {
  const names = [...Object.keys(params), ...Object.keys(frozen)]
  const idle = freeze.filter((f) => !names.some((name) => name === f || name.startsWith(`${f}.`)))
  if (idle.length > 0)
    throw new InputError(
      idle.map((f) => fault(8, `the network has no layer or variable ${quoted(f)}`, `${file}, freeze`, `choose from ${names.join(', ')}`)),
    )
}

/** What the data are must be what the network is for. */
function checkMeta({ input, output, file }: Plan, layout: Layout, meta: DatasetMeta): void {
  const example = meta.shapes['x']?.shape
  if (example) checkInput(example, input, layout, file)
  const outputs = output.shape?.length === 2 ? output.shape[1]! : -1
  if (!meta.classes && !meta.shapes['y']) return
  if (outputs === -1 || outputs === outputSize(meta)) return
  const said = meta.classes ? `${meta.classes.length} classes` : `${outputSize(meta)} targets`
  const remedy = 'choose a dataset of as many classes or targets, or another output of the network'
  throw new InputError(fault(8, `the network has ${outputs} outputs, and the dataset ${said}`, file, remedy))
}

/**
 * A network from an ONNX file as a model: the operations of the file as traced tensor operations, so that it can be differentiated and trained.
 * Layers announce their ends; the last dense one is `head`. Throws `OCK-ONNX-002` … `-011`.
 */
export async function onnx({ file, layout, ...choice }: OnnxOptions): Promise<Model> {
  const plan = planOf(await readOnnx(file), choice)
  checkFreeze(plan, choice.freeze)
  return {
    pretrained: true,
    init(_, meta) {
      checkMeta(plan, layout, meta)
      return { params: plan.params, frozen: plan.frozen, state: {} }
    },
    apply: (vars, x, call) => interpret(plan, layout, vars, x as Tensor, call),
  }
}

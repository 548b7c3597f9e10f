import {
  hostKey,
  InputError,
  inputsOf,
  type Dataset,
  type Engine,
  type Key,
  type Posterior,
  type Problem,
  type Tensors,
  type Value,
  type Variables,
} from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { bind, parametric } from '../networks/index.js'

/** What a network says of a split's rows before it becomes probabilities: logits [n · C], and what its last layer is given [n · F]. */
export interface Outputs {
  readonly rows: number
  readonly classes: number
  readonly features: number
  readonly logits: Float64Array
  readonly inputs: Float64Array
  readonly labels?: Int32Array
}

const chunk = 512
const still = hostKey(0)

/** Outputs at a posterior's point, in order. Throws `OCK-EVAL-009` where it is not over a network's weights, `OCK-MODEL-001` without a layer `head`. */
export async function outputsOf(posterior: Posterior, problem: Problem, dataset: Dataset, split: string, engine: Engine): Promise<Outputs> {
  if (!posterior.weights || !('apply' in problem.model))
    throw new InputError({
      code: 'OCK-EVAL-009',
      what: 'this score is of a network’s logits or features, and the posterior is not over the weights of one',
      where: 'score',
      remedy: 'choose entropy, mutual-information, expected-entropy or max-probability',
    })
  const model = parametric(problem.model)
  const vars = posterior.weights.point()
  const program = engine.compile((a: { vars: Variables; x: Tensors; key: Key }): { logits: Tensor; inputs: Tensor } => {
    const x = a.x['x'] ?? Object.fromEntries(Object.entries(a.x).map(([name, t]) => [name.slice('x.'.length), t]))
    const net = bind(model, a.vars, a.key, false)
    return { logits: net(x), inputs: net.points(x, ['head.in'])['head.in']! }
  })
  const call = program as unknown as (a: {
    vars: Variables<Value>
    x: Readonly<Record<string, Value>>
    key: typeof still
  }) => Promise<{ logits: Value; inputs: Value }>
  const rows = dataset.meta.splits[split]!
  let found: { classes: number; features: number; logits: Float64Array; inputs: Float64Array } | undefined
  let labels: Int32Array | undefined
  for (let from = 0; from < rows; from += chunk) {
    const data = Int32Array.from({ length: Math.min(chunk, rows - from) }, (_, i) => from + i)
    const fields = await dataset.read(split, { shape: [data.length], dtype: 'int32', data })
    const x = inputsOf(fields)
    const { logits, inputs } = await call({ vars, x, key: still })
    const [classes, features] = [logits.data.length / data.length, inputs.data.length / data.length]
    found ??= { classes, features, logits: new Float64Array(rows * classes), inputs: new Float64Array(rows * features) }
    found.logits.set(logits.data, from * classes)
    found.inputs.set(inputs.data, from * features)
    if (fields['y']) (labels ??= new Int32Array(rows)).set(fields['y'].data, from)
  }
  program.dispose()
  return { rows, ...found!, ...(labels && { labels }) }
}

import { hostKey, type Model, type Problem, type Values } from 'ockham'
import { expect, it } from 'vitest'
import { cnn, cnnOptions, mlp, mlpOptions } from '../networks/index.js'
import { crossEntropy } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { fromWeights, initialVariables, pointMass, zeros } from './index.js'
import { engines, inMemory } from './testing.js'

const draw = (name: string, shape: number[]) => hostKey(7).fold(name).normal(shape)
const problemOf = (model: Model, found: Values, image: readonly number[]): Problem => {
  const problem: Problem = {
    model,
    dataset: inMemory({ train: { x: zeros([1, ...image]), y: zeros([1], 'int32') } }, { classes: ['a', 'b', 'c'] }),
    objective: crossEntropy(),
    prior: flat(),
    examples: 1,
  }
  const vars = { params: found, frozen: {}, state: {} }
  return {
    ...problem,
    initial: {
      weights: pointMass(vars),
      predict: () => Promise.reject(new Error()),
      save: () => ({ kind: 'weights', values: found, meta: null }),
    },
  }
}

/** Σ over the window, channels first and with a border of zeros, then the rectifier and the largest of two by two. */
function convolved(x: number[][][], w: ArrayLike<number>, b: ArrayLike<number>, outputs: number): number[][][] {
  const [channels, n] = [x.length, x[0]!.length]
  const at = (o: number, r: number, c: number): number => {
    let sum = b[o]!
    for (let i = 0; i < channels; i++)
      for (let u = 0; u < 3; u++)
        for (let v = 0; v < 3; v++) sum += w[((o * channels + i) * 3 + u) * 3 + v]! * (x[i]![r + u - 1]?.[c + v - 1] ?? 0)
    return Math.max(0, sum)
  }
  const most = (o: number, r: number, c: number): number => Math.max(at(o, r, c), at(o, r + 1, c), at(o, r, c + 1), at(o, r + 1, c + 1))
  const half = Array.from({ length: n / 2 }, (_, r) => 2 * r)
  return Array.from({ length: outputs }, (_, o) => half.map((r) => half.map((c) => most(o, r, c))))
}

const linear = (x: readonly number[], w: ArrayLike<number>, b: ArrayLike<number>): number[] =>
  Array.from(b, (shift, o) => x.reduce((sum, v, i) => sum + v * w[o * x.length + i]!, shift))

const softmax = (z: readonly number[]): number[] => {
  const e = z.map(Math.exp)
  return e.map((v) => v / e.reduce((a, b) => a + b))
}

async function predicted(problem: Problem, x: Values): Promise<number[]> {
  const engine = await engines['interpreter']!()
  const vars = await initialVariables(problem, problem.model as Model, hostKey(0))
  const p = await fromWeights(problem, engine, pointMass(vars)).predict(x)
  await engine.dispose()
  if (p.kind !== 'categorical') throw new Error('classes are predicted')
  return Array.from(p.probabilities.data)
}

it('a state dict of a convolutional network predicts as by its own layout', async () => {
  const found = {
    '0.weight': draw('w0', [2, 2, 3, 3]),
    '0.bias': draw('b0', [2]),
    '3.weight': draw('w3', [4, 8]),
    '3.bias': draw('b3', [4]),
    '10.weight': draw('w10', [3, 4]),
    '10.bias': draw('b10', [3]),
  }
  const x = draw('x', [1, 4, 4, 2])
  const planes = [0, 1].map((i) => [0, 1, 2, 3].map((r) => [0, 1, 2, 3].map((c) => x.data[(r * 4 + c) * 2 + i]!)))
  const h = convolved(planes, found['0.weight'].data, found['0.bias'].data, 2).flat(2)
  const hidden = linear(h, found['3.weight'].data, found['3.bias'].data).map((v) => Math.max(0, v))
  const want = softmax(linear(hidden, found['10.weight'].data, found['10.bias'].data))
  const got = await predicted(problemOf(cnn(cnnOptions.parse({ channels: [2], hidden: [4] })), found, [4, 4, 2]), { x })
  got.forEach((p, c) => expect(p).toBeCloseTo(want[c]!, 5))
})

it('a first dense layer sees colours channel by channel', async () => {
  const found = { 'fc.weight': draw('w', [3, 12]), 'fc.bias': draw('b', [3]) }
  const x = draw('x', [1, 2, 2, 3])
  const planes = [0, 1, 2].flatMap((i) => [0, 1, 2, 3].map((place) => x.data[place * 3 + i]!))
  const want = softmax(linear(planes, found['fc.weight'].data, found['fc.bias'].data))
  const got = await predicted(problemOf(mlp(mlpOptions.parse({ hidden: [] })), found, [2, 2, 3]), { x })
  got.forEach((p, c) => expect(p).toBeCloseTo(want[c]!, 5))
})

it('refuses what does not fit, by the names of the model', async () => {
  const model = mlp(mlpOptions.parse({ hidden: [5] }))
  const wrong = { '0.weight': zeros([4, 12]), '0.bias': zeros([4]), '2.weight': zeros([3, 4]), '2.bias': zeros([3]) }
  const running = { ...wrong, '1.running_mean': zeros([4]) }
  for (const found of [wrong, running])
    await expect(initialVariables(problemOf(model, found, [2, 2, 3]), model, hostKey(0))).rejects.toThrow(/OCK-TRAIN-002.*layer0.kernel/s)
})

import { at, type Case } from './case.js'
import { tf, type Tensor } from '../tensor.js'

const gradient = (kernel: string, name: string, f: (x: Tensor) => Tensor, s: readonly number[] = [3, 4], low = -2, high = 2): Case =>
  at(
    kernel,
    `gradient of ${name}`,
    (r) => ({ x: r.floats(s, low, high) }),
    ({ x }) => tf.grad((z) => f(z).sum())(x!),
  )

/** Compositions whose gradients use the kernel. */
export const gradients: readonly Case[] = [
  gradient('EluGrad', 'elu', tf.elu),
  gradient('Step', 'relu', tf.relu),
  gradient('Softplus', 'softplus', tf.softplus),
  gradient('Erf', 'gelu', (x) => x.mul(tf.erf(x.div(Math.SQRT2)).add(1)).mul(0.5)),
  gradient('Sum', 'layer norm', (x) => {
    const { mean, variance } = tf.moments(x, -1, true)
    return x.sub(mean).div(variance.add(1e-5).sqrt()).square().mul(x)
  }),
  gradient('LogSoftmax', 'log softmax', (x) => tf.logSoftmax(x).square()),
  gradient('Softmax', 'softmax', (x) => tf.softmax(x).square()),
  gradient('Max', 'max', (x) => tf.max(x, 1)),
  gradient('Prod', 'prod', (x) => tf.prod(x, 1), [3, 4], 0.5, 2),
  gradient('Cumsum', 'cumsum', (x) => tf.cumsum(x, 1).square()),
  gradient('Slice', 'slice and pad', (x) =>
    tf
      .pad(tf.slice(x, [1, 0], [2, 3]), [
        [0, 1],
        [1, 1],
      ])
      .square(),
  ),
  gradient('Tile', 'tile', (x) => tf.tile(x, [2, 3]).square()),
  gradient('GatherV2', 'gather', (x) => tf.gather(x, tf.tensor1d([0, 2, 2], 'int32')).square()),
  gradient('Atan2', 'atan2', (x) => tf.atan2(x, x.add(4))),
  gradient('Pow', 'pow', (x) => tf.pow(x, tf.scalar(2.5)), [3, 4], 0.2, 2),
  gradient('Prelu', 'prelu', (x) => tf.prelu(x, tf.fill([3, 4], 0.2)).square()),
  gradient('LeakyRelu', 'leakyRelu', (x) => tf.leakyRelu(x, 0.2).square()),
  gradient('ClipByValue', 'clip', (x) => tf.clipByValue(x, -1, 1).square()),
  gradient('Select', 'where', (x) => tf.where(x.greater(0), x.square(), x.mul(3))),
]

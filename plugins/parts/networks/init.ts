import type { HostKey, Value } from 'ockham'

/** Variance of a kernel's entries times its fan-in (or mean fan for `glorot`). */
const gains = {
  /** 2 / fan-in, He et al. 2015: keeps the scale through rectifiers. */
  he: (fanIn: number) => 2 / fanIn,
  /** 1 / fan-in, LeCun et al. 1998: keeps the scale through tanh and linear layers. */
  lecun: (fanIn: number) => 1 / fanIn,
  /** 2 / (fan-in + fan-out), Glorot and Bengio 2010. */
  glorot: (fanIn: number, fanOut: number) => 2 / (fanIn + fanOut),
} as const

export type Init = keyof typeof gains

/** Zero-mean normal entries, float32 [shape], with the variance that `init` gives for these fans. */
export function kernel(key: HostKey, shape: readonly number[], init: Init, fanIn = shape[0]!, fanOut = shape[shape.length - 1]!): Value {
  const std = Math.sqrt(gains[init](fanIn, fanOut))
  return inPlace(key.normal(shape), (z) => z * std)
}

/** A fresh draw, each number changed where it lies: `from` with a function goes through an array of objects, for which 10⁸ weights have no heap. */
function inPlace(draw: Value, of: (z: number) => number): Value {
  const { data } = draw
  for (let i = 0; i < data.length; i++) data[i] = of(data[i]!)
  return draw
}

/** Zero-mean uniform entries of the given variance, float32 [shape]. */
export function uniformKernel(key: HostKey, shape: readonly number[], variance: number): Value {
  const reach = Math.sqrt(3 * variance)
  return inPlace(key.uniform(shape), (u) => (2 * u - 1) * reach)
}

/** `<name>.kernel` [in, out] and a zero `<name>.bias` [out]. The stream is the kernel's own name below `key`. */
export function denseInit(key: HostKey, name: string, fanIn: number, fanOut: number, init: Init): Record<string, Value> {
  return {
    [`${name}.kernel`]: kernel(key.fold(`${name}.kernel`), [fanIn, fanOut], init),
    [`${name}.bias`]: { shape: [fanOut], dtype: 'float32', data: new Float32Array(fanOut) },
  }
}

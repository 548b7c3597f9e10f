import type { Engine, Precision, Tensors, Value } from 'ockham'
import type { Tensor } from './tensor.js'
import { refOf } from './backend.js'
import * as differentiate from './differentiate.js'
import { refusal } from './errors.js'
import type { Executor } from './executor.js'
import { sizeOf, type Slot } from './graph.js'
import { EngineLoop } from './loop.js'
import { printed as toStderr, type EngineOptions } from './options.js'
import { program } from './program.js'
import { current, type Trace } from './trace.js'
import { tensorOf } from './tracing.js'
import { argument } from './tree.js'

/** The trace that is being recorded; `OCK-ENGINE-008` where there is none. */
function inside(what: string): Trace {
  const trace = current()
  if (!trace)
    throw refusal('008', `engine.${what} is called outside a traced function`, 'call it inside a function given to compile or loop')
  return trace
}

function stop<T extends Tensor>(x: T): T {
  const trace = inside('stop')
  return tensorOf(trace, refOf(trace, x)) as T
}

function print<T extends Tensor>(name: string, x: T): T {
  const trace = inside('print')
  trace.prints.push({ name, ref: refOf(trace, x) })
  return x
}

function capture(values: unknown): unknown {
  const trace = inside('capture')
  return argument(values, {
    value: (v) => tensorOf(trace, trace.capture(v)),
    key: () => {
      throw refusal('003', 'a host key is captured by a traced function', 'pass the key as an argument')
    },
  })
}

function host(fn: (...inputs: Value[]) => readonly Value[], inputs: readonly Tensor[], shapes: readonly (readonly number[])[]): Tensor[] {
  const trace = inside('host')
  const outputs = shapes.map((shape): Slot => ({ shape: [...shape], dtype: 'float32' }))
  const refs = inputs.map((x) => refOf(trace, x))
  const node = trace.add('Host', refs, outputs, { host: fn })
  return outputs.map((_, index) => tensorOf(trace, { node, index }))
}

function double<T extends Tensor>(fn: () => T): T {
  const trace = inside('double')
  const before = trace.precision
  trace.precision = 'float64'
  try {
    return stop(fn())
  } finally {
    trace.precision = before
  }
}

function inverse(a: Tensor): Tensor {
  const trace = inside('inverse')
  const [n, m] = a.shape
  if (a.rank !== 2 || n !== m || a.dtype !== 'float32' || sizeOf(a.shape) === 0) {
    throw refusal('009', `engine.inverse of ${a.dtype} [${a.shape}]`, 'give a symmetric positive definite float32 [n, n]')
  }
  const node = trace.add('Inverse', [refOf(trace, a)], [{ shape: [n, n], dtype: 'float32' }])
  return tensorOf(trace, { node, index: 0 })
}

const printed = (message: string): void => process.emitWarning(message, 'OckhamWarning')

/** An engine that traces functions and runs their graphs on `executor`. */
export function createEngine(executor: Executor, given: EngineOptions = {}): Engine {
  const watched = { print: toStderr, ...given }
  const engine: Engine = {
    name: executor.name,
    build: executor.build,
    capabilities: executor.capabilities,
    compile: <A, B>(fn: (args: A) => B, options?: { readonly precision?: Precision }) =>
      program(executor, fn, options?.precision ?? 'float32', watched),
    loop: (advance, options) =>
      new EngineLoop(engine, executor, advance, options?.precision ?? 'float32', options?.warn ?? printed, watched),
    dispose: () => executor.dispose(),
    valueAndGrad: (fn, p: Tensors) => differentiate.valueAndGrad(inside('valueAndGrad'), fn, p),
    vjp: (fn, p) => differentiate.vjp(inside('vjp'), fn, p),
    jvp: (fn, p, v) => differentiate.jvp(inside('jvp'), fn, p, v),
    ...(executor.profile && { profile: () => executor.profile!() }),
    stop,
    print,
    capture: capture as Engine['capture'],
    host,
    double,
    inverse,
  }
  return engine
}

import type { Carry, Precision, Timing, Value, Values } from 'ockham'
import type { Graph, Node } from './graph.js'

/** A compiled graph. */
export interface Executable {
  /** Values of `graph.inputs`, captures left out, in order → values of `graph.outputs`, in order. */
  run(inputs: readonly Value[]): Promise<readonly Value[]>
  dispose(): void
}

/** A compiled loop: outputs named `carry.<name>` go round, outputs named `out.<name>` leave. */
export interface ExecutableLoop {
  load(carry: Values): Carry
  /** One entry a step: the values of `stepInputs(graph)`, in order. Returns one record of `out.` outputs a step, names without the prefix. */
  advance(carry: Carry, steps: readonly (readonly Value[])[]): Promise<{ carry: Carry; outs: readonly Values[] }>
  readonly tensorsPerCall: number
  /** False where a host call interrupts the graph: then `advance` still takes many steps but makes one call each. */
  readonly fused: boolean
  dispose(): void
}

/** What runs graphs. The tracer, keys, specialisation and checks are the engine's, the same for every executor. */
export interface Executor {
  readonly name: string
  readonly build: Readonly<Record<string, string | number>>
  readonly capabilities: ReadonlySet<string>
  /** Whether it has a row for a kernel; the tracer refuses others where the user wrote them. */
  supports(op: string): boolean
  /** Most bytes that it takes to run a graph once; `peakBytes(graph)` where it does not say. */
  peakBytes?(graph: Graph): number
  compile(graph: Graph, precision: Precision): Promise<Executable>
  loop(graph: Graph, precision: Precision, warn: (message: string) => void): Promise<ExecutableLoop>
  /** Where it was asked to time operations: what each kind took so far, most first. Asked once, at the end. */
  profile?(): Promise<readonly Timing[]>
  dispose(): Promise<void>
}

/** Inputs that differ from step to step: feeds, draws, the step number. Not carry, not captures. */
export const stepInputs = (graph: Graph): readonly Node[] =>
  graph.inputs.filter((n) => n.source!.kind === 'feed' || n.source!.kind === 'draw' || n.source!.kind === 'step')

import type { Executor } from './executor.js'
import type { Graph } from './graph.js'
import type { Dtype, Value } from 'ockham'
import { dataOf } from './values.js'

/** A Value of numbers. */
export const value = (data: readonly number[], shape: readonly number[] = [data.length], dtype: Dtype = 'float32'): Value => ({
  shape,
  dtype,
  data: dataOf(dtype, data),
})

/** The numbers of a Value, rounded where they are compared with decimals. */
export const numbers = (v: Value): number[] => [...v.data]

/** An executor that also keeps the graphs that it was given. */
export function spied(executor: Executor): Executor & { readonly graphs: Graph[] } {
  const graphs: Graph[] = []
  return {
    ...executor,
    graphs,
    compile: (graph, precision) => (graphs.push(graph), executor.compile(graph, precision)),
    loop: (graph, precision, warn) => (graphs.push(graph), executor.loop(graph, precision, warn)),
  }
}

/** How many nodes of each kind a graph has. */
export function census(graph: Graph): Record<string, number> {
  const count: Record<string, number> = {}
  for (const { op } of graph.nodes) count[op] = (count[op] ?? 0) + 1
  return count
}

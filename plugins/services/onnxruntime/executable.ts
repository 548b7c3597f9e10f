import type { Precision, Value } from 'ockham'
import type { Executable } from '../engine/executor.js'
import { slotOf } from '../engine/graph.js'
import type { Graph } from '../engine/graph.js'
import { inBlocks } from './blocks.js'
import type { HostType } from './lower.js'
import { typeOf } from './lower.js'
import { usesPattern } from './memory.js'
import { SafeProgram, capturesOf } from './program.js'
import type { Warn } from './program.js'
import { rewrite } from './rewrite.js'
import { hostType, tensorOf, valueOf } from './session.js'
import type { Settings } from './session.js'

/** A graph compiled to sessions. */
export async function compile(graph: Graph, precision: Precision, settings: Settings, warn: Warn): Promise<Executable> {
  const whole = rewrite(graph)
  const simple = inBlocks(whole)
  const captures = capturesOf(simple)
  const fed = simple.inputs.filter((n) => n.source?.kind !== 'capture')
  const types = simple.outputs.map((o) => hostType(slotOf(o.ref), precision))
  const program = await SafeProgram.open(simple, { ...settings, pattern: usesPattern(whole) }, warn)
  return {
    async run(inputs: readonly Value[]): Promise<readonly Value[]> {
      const given = fed.map((node, i) => [node, tensorOf(inputs[i]!, typeOf({ node, index: 0 }) as HostType)] as const)
      const outputs = await program.run(new Map([...captures, ...given]))
      return outputs.map((tensor, i) => valueOf(tensor, types[i]!))
    },
    dispose: () => program.dispose(),
  }
}

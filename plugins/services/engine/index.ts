import { definePlugin } from 'ockham'

export { createEngine } from './engine.js'
export type { EngineOptions } from './options.js'
export { peakBytes, type Scratch } from './liveness.js'
export { interpreter, type InterpreterOptions } from './interpreter.js'
export { inverseSpd } from './inverse.js'
export { stepInputs, type Executable, type ExecutableLoop, type Executor } from './executor.js'
export { sizeOf, slotOf, type Draw, type Graph, type Node, type Ref, type Slot, type Source } from './graph.js'

export default definePlugin({ name: 'engine', provides: [] })

import { slotOf } from '../engine/graph.js'
import type { Graph, Node, Ref } from '../engine/graph.js'
import { peakBytes } from '../engine/liveness.js'
import type { Scratch } from '../engine/liveness.js'
import { convolutionWindow, poolingWindow } from '../engine/signatures/window.js'
import type { Window } from '../engine/signatures/window.js'
import { rewrite } from './rewrite.js'
import { hasStrides, isLarge } from './rows/large-convolution.js'
import { isTiled } from './rows/pooling.js'
import { pixelsOf, tapsOf, windowsOf } from './rows/windows.js'

const shape = (ref: Ref | undefined): readonly number[] => slotOf(ref!).shape
const float = 4

/** Numbers of the patches of a window. */
const patches = (w: Window): number => w.batch * windowsOf(w) * tapsOf(w) * w.channels
const imagesOf = (w: Window): number => w.batch * pixelsOf(w) * w.channels
const resultsOf = (w: Window): number => w.batch * windowsOf(w) * w.outChannels

/** Patches of x by a window, which the gradient by the filter finds where the forward pass left them. */
const patchesOf = (x: Ref, w: Window): Scratch => {
  const key = `patches of ${x.node.id}:${x.index} ${[w.kernel, w.strides, w.dilations, w.before].join(' ')}`
  return { key, bytes: float * patches(w) }
}

const own = (node: Node, numbers: number): Scratch => ({ key: `own ${node.id}`, bytes: float * numbers })

/** What rows of windows write to memory beside their results; see `rows/convolution.ts` and `rows/pooling.ts`. */
const rows: Readonly<Record<string, (node: Node) => readonly Scratch[]>> = {
  Conv2D: (node) => {
    const w = convolutionWindow(shape(node.inputs[0]), shape(node.inputs[1]), node.attrs)
    return isLarge(w) ? [own(node, imagesOf(w) + resultsOf(w))] : [patchesOf(node.inputs[0]!, w)]
  },
  Conv2DBackpropInput: (node) => {
    const w = convolutionWindow(node.attrs['inputShape'] as number[], shape(node.inputs[1]), node.attrs)
    if (hasStrides(w)) return [own(node, patches(w))]
    return [own(node, isLarge(w) ? imagesOf(w) + resultsOf(w) : w.batch * pixelsOf(w) * tapsOf(w) * w.outChannels)]
  },
  Conv2DBackpropFilter: (node) => {
    const w = convolutionWindow(shape(node.inputs[0]), node.attrs['filterShape'] as number[], node.attrs)
    const [kh, kw] = w.kernel
    const separate = isLarge(w) && !hasStrides(w)
    return separate ? [own(node, kw * imagesOf(w) + kh * resultsOf(w))] : [patchesOf(node.inputs[0]!, w)]
  },
  MaxPool: (node) => {
    const w = poolingWindow(shape(node.inputs[0]), node.attrs)
    return [own(node, isTiled(w) ? imagesOf(w) / 2 : patches(w))]
  },
  MaxPoolGrad: (node) => {
    const w = poolingWindow(shape(node.inputs[1]), node.attrs)
    return [own(node, isTiled(w) ? 2.5 * imagesOf(w) : 4 * patches(w))]
  },
  AvgPool: (node) => [patchesOf(node.inputs[0]!, poolingWindow(shape(node.inputs[0]), node.attrs))],
}

const depthwise = (node: Node, x: readonly number[], filter: readonly number[]): readonly Scratch[] => {
  const w = convolutionWindow(x, filter, node.attrs, true)
  return [own(node, (patches(w) * (w.channels + w.outChannels)) / w.channels)]
}

/** Memory that a node of a rewritten graph takes beside its results. */
export function scratchOf(node: Node): readonly Scratch[] {
  if (node.op === 'DepthwiseConv2dNative') return depthwise(node, shape(node.inputs[0]), shape(node.inputs[1]))
  if (node.op === 'DepthwiseConv2dNativeBackpropInput') return depthwise(node, node.attrs['inputShape'] as number[], shape(node.inputs[1]))
  if (node.op === 'DepthwiseConv2dNativeBackpropFilter')
    return depthwise(node, shape(node.inputs[0]), node.attrs['filterShape'] as number[])
  return rows[node.op.replace(/^ort\./, '')]?.(node) ?? []
}

/**
 * Bytes from which a session does without the runtime's memory pattern. A pattern is one block for all results of a step, kept beside the pieces that
 * the first step took: large steps took up to twice the memory for it (ResNet-18 of width 16: 886 against 449 MB), and no less time but for the `cnn`
 * row, which took 6 % less.
 */
const patternBytes = 2 ** 26

/** Whether sessions of a rewritten graph are to have a pattern. */
export const usesPattern = (graph: Graph): boolean => peakBytes(graph, scratchOf) < patternBytes

/** Most bytes of one run of a graph, scratch memory of its rows included. */
export const estimate = (graph: Graph): number => peakBytes(rewrite(graph), scratchOf)

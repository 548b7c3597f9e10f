import { expect, Mismatch, one, same, type Attrs, type Row, type Shape, type Table } from './row.js'
import type { Slot } from '../graph.js'
import { convolutionWindow, windowAttrs, type Window } from './window.js'

const floats = (slots: readonly Slot[]): void => slots.forEach((s) => expect(s, 'float32'))

const undilated = ({ dilations }: Window): void => {
  if (dilations.some((d) => d !== 1)) throw new Mismatch(`dilations [${dilations}], where tfjs' kernels take none`)
}

const out = (w: Window): Shape => [w.batch, w.outHeight, w.outWidth, w.outChannels]

const fits = (dy: Slot, w: Window): void => {
  if (!same(dy.shape, out(w))) throw new Mismatch(`the gradient [${dy.shape}] is not of the result's shape [${out(w)}]`)
}

const nhwc = { dataFormat: 'NHWC' } as const

const forward = (depthwise: boolean): Row => ({
  inputs: ['x', 'filter'],
  infer: (slots, attrs) => {
    floats(slots)
    const w = convolutionWindow(slots[0]!.shape, slots[1]!.shape, attrs, depthwise)
    return one(out(w), 'float32', { ...windowAttrs(w), ...nhwc, dilations: [...w.dilations] })
  },
})

/** Depthwise kernels read dilations; the others have none. */
const backwardAttrs = (w: Window, depthwise: boolean): Attrs => ({
  ...windowAttrs(w),
  ...nhwc,
  ...(depthwise ? { dilations: [1, 1] } : {}),
})

const byInput = (depthwise: boolean): Row => ({
  inputs: ['dy', 'filter'],
  infer: (slots, attrs) => {
    floats(slots)
    const inputShape = attrs.inputShape as Shape
    const w = convolutionWindow(inputShape, slots[1]!.shape, attrs, depthwise)
    undilated(w)
    fits(slots[0]!, w)
    return one(inputShape, 'float32', { ...backwardAttrs(w, depthwise), inputShape: [...inputShape] })
  },
})

const byFilter = (depthwise: boolean): Row => ({
  inputs: ['x', 'dy'],
  infer: (slots, attrs) => {
    floats(slots)
    const filterShape = attrs.filterShape as Shape
    const w = convolutionWindow(slots[0]!.shape, filterShape, attrs, depthwise)
    undilated(w)
    fits(slots[1]!, w)
    return one(filterShape, 'float32', { ...backwardAttrs(w, depthwise), filterShape: [...filterShape] })
  },
})

/** Convolutions of images [n, h, w, c] and their gradients. Paddings become explicit, so that each kernel reads the same geometry. */
export const convolutions: Table = {
  Conv2D: forward(false),
  Conv2DBackpropInput: byInput(false),
  Conv2DBackpropFilter: byFilter(false),
  DepthwiseConv2dNative: forward(true),
  DepthwiseConv2dNativeBackpropInput: byInput(true),
  DepthwiseConv2dNativeBackpropFilter: byFilter(true),
}

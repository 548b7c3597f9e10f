import type { Extent } from './extent.js'

/** A picture of 8 bits a channel, row-major [height, width, channels]. */
export interface Picture extends Extent {
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: number
  readonly data: Uint8Array
}

/** Luma of ITU-R BT.601 in fixed point: what grey is made of. */
const luma = (r: number, g: number, b: number): number => (19595 * r + 38470 * g + 7471 * b + 32768) >> 16

/** The picture as grey (1) or RGB (3); transparency is left out. */
export function withChannels(picture: Picture, channels: 1 | 3): Picture {
  const { height, width, channels: given, data } = picture
  if (given === channels) return picture
  const out = new Uint8Array(height * width * channels)
  const coloured = given >= 3
  for (let i = 0; i < height * width; i++) {
    const from = i * given
    if (channels === 1) out[i] = coloured ? luma(data[from]!, data[from + 1]!, data[from + 2]!) : data[from]!
    else for (let c = 0; c < 3; c++) out[3 * i + c] = data[coloured ? from + c : from]!
  }
  return { height, width, channels, data: out }
}

import { decode as decodeJpeg } from '@cwasm/jpeg-turbo'
import { convertIndexedToRgb, decode as decodePng, type DecodedPng } from 'fast-png'
import { InputError } from 'ockham'
import { withChannels, type Picture } from './picture.js'

const isJpeg = (b: Uint8Array): boolean => b[0] === 0xff && b[1] === 0xd8
const isPng = (b: Uint8Array): boolean => b[0] === 0x89 && b[1] === 0x50 && b[2] === 0x4e && b[3] === 0x47

/** Samples of 8 bits; of 16 the upper 8. */
function eightBits({ data, depth, channels, width, height }: DecodedPng): Uint8Array {
  if (depth === 8) return new Uint8Array(data.buffer, data.byteOffset, data.length)
  if (depth === 16) return Uint8Array.from(data, (v) => v >> 8)
  // Rows of packed samples start on whole bytes.
  const row = Math.ceil((width * channels * depth) / 8)
  const most = 2 ** depth - 1
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const [y, bit] = [Math.floor(i / (width * channels)), (i % (width * channels)) * depth]
    return (255 * ((data[y * row + (bit >> 3)]! >> (8 - depth - (bit & 7))) & most)) / most
  })
}

function png(bytes: Uint8Array): Picture {
  const decoded = decodePng(bytes)
  const { width, height, palette } = decoded
  if (!palette) return { height, width, channels: decoded.channels, data: eightBits(decoded) }
  return { height, width, channels: palette[0]!.length, data: new Uint8Array(convertIndexedToRgb(decoded)) }
}

function jpeg(bytes: Uint8Array): Picture {
  const { width, height, data } = decodeJpeg(bytes)
  return withChannels({ height, width, channels: 4, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }, 3)
}

/** The picture in a JPEG or PNG file, told apart by their first bytes. Errors: `OCK-DATA-070` with the file's name. */
export function decodeImage(bytes: Uint8Array, file: string): Picture {
  const fail = (what: string, remedy: string, cause?: unknown): never => {
    throw new InputError({ code: 'OCK-DATA-070', what, where: file, remedy }, { cause })
  }
  const kind = isJpeg(bytes) ? 'JPEG' : isPng(bytes) ? 'PNG' : undefined
  if (!kind) return fail('the file is neither JPEG nor PNG', 'convert it, or move it out of the folder')
  try {
    return kind === 'JPEG' ? jpeg(bytes) : png(bytes)
  } catch (cause) {
    return fail(`the ${kind} data is cut off or damaged`, 'put the file there again, or move it out of the folder', cause)
  }
}

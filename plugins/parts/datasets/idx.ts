/*
 * The IDX format of MNIST: a magic number, the sizes of the axes (both big-endian, 4 bytes a number), then unsigned bytes.
 * LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
 */
import { InputError, type Fault, type Problems } from 'ockham'
import { readBytes } from './files.js'

/** Grey images of one size, uint8 [n, height, width]. */
export interface IdxImages {
  readonly count: number
  readonly height: number
  readonly width: number
  readonly pixels: Uint8Array
}

/** Third byte 8 is uint8, the fourth the number of axes. */
const IMAGES = 2051
const LABELS = 2049

const fail = (code: string, what: string, where: string, remedy: string): never => {
  throw new InputError({ code, what, where, remedy })
}

/** Sizes of the axes and the bytes after the header. Errors: `OCK-DATA-012` length, `OCK-DATA-013` magic number. */
function parse(bytes: Uint8Array, magic: number, file: string): { sizes: number[]; data: Uint8Array } {
  const axes = magic & 0xff
  const header = 4 + 4 * axes
  if (bytes.length < header)
    fail('OCK-DATA-012', `the file has ${bytes.length} bytes, less than its header of ${header}`, file, 'download the file again')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = view.getUint32(0)
  if (found !== magic) {
    const other = found === IMAGES || found === LABELS ? `; these are ${found === IMAGES ? 'images' : 'labels'}` : ''
    const what = `the magic number is ${found}, and ${magic === IMAGES ? 'images' : 'labels'} have ${magic}${other}`
    fail('OCK-DATA-013', what, file, 'give an IDX file of unsigned bytes, images with 3 axes and labels with 1')
  }
  const sizes = Array.from({ length: axes }, (_, i) => view.getUint32(4 + 4 * i))
  const wanted = sizes.reduce((a, b) => a * b, 1)
  const data = bytes.subarray(header)
  if (wanted === 0)
    fail('OCK-DATA-012', `the header gives sizes ${sizes.join(' × ')}: the file holds nothing`, file, 'give a file with examples')
  if (data.length !== wanted) {
    const what = `the header gives sizes ${sizes.join(' × ')}, ${wanted} bytes, and ${data.length} follow`
    fail(
      'OCK-DATA-012',
      what,
      file,
      data.length < wanted ? 'the file is cut off: download it again' : 'the file has bytes to spare: download it again',
    )
  }
  return { sizes, data }
}

/** Images of an IDX file, gzip or not. Errors: `OCK-DATA-010` to `013`. */
export async function readImages(file: string): Promise<IdxImages> {
  const { sizes, data } = parse(await readBytes(file), IMAGES, file)
  return { count: sizes[0]!, height: sizes[1]!, width: sizes[2]!, pixels: data }
}

/** Labels of an IDX file, int32 [n]. Errors: `OCK-DATA-010` to `013`, and `015` for labels outside the classes, with their rows. */
export async function readLabels(file: string, classes: readonly string[]): Promise<Int32Array> {
  const labels = Int32Array.from(parse(await readBytes(file), LABELS, file).data)
  const wrong = Array.from(labels.entries()).filter(([, label]) => label >= classes.length)
  if (wrong.length > 0) {
    const faults = wrong.slice(0, 10).map(([row, label]): Fault => ({
      code: 'OCK-DATA-015',
      what: `label ${label} is outside the ${classes.length} classes 0 to ${classes.length - 1}`,
      where: `${file}, row ${row}`,
      remedy: 'mend the label, or name all classes in the option classes',
    }))
    if (wrong.length > faults.length)
      faults.push({ code: 'OCK-DATA-015', what: `${wrong.length - faults.length} more rows have labels outside the classes`, where: file })
    throw new InputError(faults)
  }
  return labels
}

/** Images and their labels, or images alone; everything that is wrong with either file at once. Errors: `014` for different counts. */
export async function readPair(
  images: string,
  labels: string | undefined,
  classes: readonly string[],
  problems: Problems,
): Promise<{ images: IdxImages; labels: Int32Array | undefined } | undefined> {
  const reading = labels === undefined ? undefined : readLabels(labels, classes)
  // Awaited after the images: faults come in the order of the files, and a failure meanwhile is not unhandled.
  reading?.catch(() => undefined)
  const x = await problems.during(() => readImages(images))
  const y = reading && (await problems.during(() => reading))
  if (x && y && x.count !== y.length)
    problems.add({
      code: 'OCK-DATA-014',
      what: `${x.count} images and ${y.length} labels`,
      where: `${images} and ${labels}`,
      remedy: 'give the two files of one split',
    })
  return x && { images: x, labels: y }
}

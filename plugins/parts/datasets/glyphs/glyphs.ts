import { fileURLToPath } from 'node:url'
import type { Dataset } from 'ockham'
import { Problems, RunError } from 'ockham'
import { z } from 'zod'
import { readBytes } from '../files.js'
import { readPair } from '../idx.js'
import { images } from '../images.js'
import type { Fields } from '../memory.js'
import { imageOptions } from '../options.js'

export const glyphsOptions = z.strictObject({
  characters: z
    .enum(['digits', 'letters'])
    .default('digits')
    .describe('what is to be told apart. With digits, the letters of the test typefaces are one more split, unlabelled: letters'),
  ...imageOptions,
})

export type GlyphsOptions = z.output<typeof glyphsOptions>

/** Characters in label order. O, o, I and l are left out: they are digits to the eye. */
const classes = {
  digits: Array.from('0123456789'),
  letters: Array.from('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz'),
}
const styles = ['sans', 'serif', 'mono', 'handwriting', 'display']

type Characters = keyof typeof classes

/** What is known of one image. */
export interface Glyph {
  readonly characters: Characters
  readonly split: string
  readonly index: number
  readonly character: string
  readonly family: string
  readonly style: string
  readonly weight: number
  readonly slant: string
}

const path = (name: string): string => fileURLToPath(new URL(`./data/${name}`, import.meta.url))

/** Character, family, style, weight and slant of every image, in the order of `characters`, `split`, `index`. */
export async function glyphTable(): Promise<Glyph[]> {
  const [, ...lines] = new TextDecoder()
    .decode(await readBytes(path('metadata.csv.gz')))
    .trimEnd()
    .split('\n')
  return lines.map((line) => {
    const [characters, split, index, character, family, style, weight, slant] = line.split(',') as [Characters, ...string[]] & { length: 8 }
    return {
      characters,
      split: split!,
      index: Number(index),
      character: character!,
      family: family!,
      style: style!,
      weight: Number(weight),
      slant: slant!,
    }
  })
}

async function load(): Promise<Record<Characters, Record<string, Fields>>> {
  const table = await glyphTable()
  const loaded: Record<Characters, Record<string, Fields>> = { digits: {}, letters: {} }
  const problems = new Problems()
  for (const kind of ['digits', 'letters'] as const)
    for (const split of ['train', 'validation', 'test']) {
      const stem = `${kind}-${split}`
      const read = await readPair(path(`${stem}-images-idx3-ubyte.gz`), path(`${stem}-labels-idx1-ubyte.gz`), classes[kind], problems)
      if (!read?.labels) continue
      const group = Int32Array.from(
        table.filter((g) => g.characters === kind && g.split === split),
        (g) => styles.indexOf(g.style),
      )
      if (group.length !== read.labels.length)
        throw new RunError({
          code: 'OCK-DATA-019',
          what: `metadata.csv.gz has ${group.length} rows of ${stem}, and there are ${read.labels.length} images`,
          where: path('metadata.csv.gz'),
          remedy: 'run render/render.mjs again',
        })
      loaded[kind][split] = {
        x: { shape: [read.images.height, read.images.width, 1], dtype: 'float32', data: read.images.pixels },
        y: { shape: [], dtype: 'int32', data: read.labels },
        group: { shape: [], dtype: 'int32', data: group },
      }
    }
  problems.check()
  return loaded
}

let loading: ReturnType<typeof load> | undefined

/**
 * Digits or letters of 123 open typefaces, 28 × 28 grey: `x` float32 [n, 28, 28, 1], `y` int32 [n], `group` the style of the typeface.
 * Splits `train`, `validation`, `test` share no typeface. Files are part of the package; read once a process.
 */
export async function glyphs(options: GlyphsOptions): Promise<Dataset> {
  const loaded = await (loading ??= load())
  const splits = { ...loaded[options.characters] }
  if (options.characters === 'digits') {
    const { x, group } = loaded.letters['test'] as { x: Fields[string]; group: Fields[string] }
    splits['letters'] = { x, group }
  }
  return images(
    {
      task: 'classification',
      classes: classes[options.characters],
      groups: styles,
      licence: 'images of typefaces under OFL-1.1, Apache-2.0 and UFL-1.0: glyphs/LICENCES.md',
      unit: 'image',
      dependence:
        'images of one typeface are alike: there are 80 training and 30 test typefaces, and what is measured holds for fresh images of these, not for new typefaces',
      splits,
    },
    options,
  )
}

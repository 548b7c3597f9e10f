// Renders the glyphs data set: `npm i && node render.mjs` writes ../data (gzipped IDX and metadata.csv.gz), ../LICENCES.md,
// ../sample.png and, with --sheets DIR, contact sheets of everything. The same packages give the same bytes.
// families.json: `kin` joins superfamilies, which are split as one; `capitals` marks families whose lower case is capitals.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { Path2D, createCanvas } from '@napi-rs/canvas'
import * as fontkit from 'fontkit'
import { contactSheets, sample } from './sheet.mjs'

const SIDE = 28
/** Tallest digit of a face, and the largest extent of any glyph, in pixels. */
const DIGIT_HEIGHT = 20
const EXTENT = 25
const DIGITS = Array.from('0123456789')
/** Without O, o, I and l, which are digits to the eye. */
const LETTERS = Array.from('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz')
/** Faces a family that show letters: all families once or twice, so that no weight dominates. */
const LETTER_FACES = { train: 1, validation: 2, test: 2 }

const here = (path) => new URL(path, import.meta.url)
const json = (path) => JSON.parse(readFileSync(here(path), 'utf8'))
const folder = (name) => `./node_modules/@fontsource/${name}`
const hash = (text) => createHash('sha256').update(text).digest('hex')

/** Splits whole kins (superfamilies count as one), so that no design is on both sides; of nine in a style, two test and one validates. */
function splitFamilies(families) {
  const kins = new Map()
  for (const { package: name, style, kin = name } of families) if (!kins.has(kin)) kins.set(kin, style)
  const splits = new Map()
  for (const style of new Set(kins.values())) {
    const inStyle = [...kins.keys()].filter((kin) => kins.get(kin) === style).sort((a, b) => (hash(a) < hash(b) ? -1 : 1))
    inStyle.forEach((kin, i) =>
      splits.set(kin, ['train', 'test', 'train', 'train', 'validation', 'train', 'test', 'train', 'train'][i % 9]),
    )
  }
  return families.map((f) => ({ ...f, split: splits.get(f.kin ?? f.package) }))
}

/** The faces of a family's Latin subset: weight, slant, file. */
function facesOf(name) {
  const pattern = /-latin-(\d+)-(normal|italic)\.woff2$/
  return readdirSync(here(`${folder(name)}/files`))
    .flatMap((file) => {
      const [, weight, slant] = pattern.exec(file) ?? []
      return weight && !/-latin-ext-/.test(file) ? [{ file, weight: Number(weight), slant }] : []
    })
    .sort((a, b) => a.weight - b.weight || (a.slant < b.slant ? 1 : -1))
}

/** Outline of a character with lining figures, and its box; undefined where the font has none. */
function outline(font, character) {
  if (!font.hasGlyphForCodePoint(character.codePointAt(0))) return undefined
  const { glyphs } = font.layout(character, { lnum: true, liga: false, calt: false })
  const [glyph] = glyphs
  if (glyphs.length !== 1 || glyph.id === 0) return undefined
  const { minX, minY, maxX, maxY } = glyph.path.bbox
  return maxX > minX && maxY > minY ? { svg: glyph.path.toSVG(), minX, minY, width: maxX - minX, height: maxY - minY } : undefined
}

const canvas = createCanvas(SIDE, SIDE)
const context = canvas.getContext('2d')

/** Grey 28 × 28 image of an outline at `scale` pixels a unit, its box in the middle; ink is 255. */
function raster({ svg, minX, minY, width, height }, scale) {
  const s = Math.min(scale, EXTENT / Math.max(width, height))
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.fillStyle = '#000'
  context.fillRect(0, 0, SIDE, SIDE)
  context.setTransform(s, 0, 0, -s, SIDE / 2 - s * (minX + width / 2), SIDE / 2 + s * (minY + height / 2))
  context.fillStyle = '#fff'
  context.fill(new Path2D(svg))
  const { data } = context.getImageData(0, 0, SIDE, SIDE)
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i])
}

/** The faces that show letters: the regular one, then the boldest. */
const letterFaces = (faces, count) => {
  const upright = faces.filter((f) => f.slant === 'normal')
  const pool = upright.length > 0 ? upright : faces
  const regular = pool.reduce((best, f) => (Math.abs(f.weight - 400) < Math.abs(best.weight - 400) ? f : best))
  return new Set([regular, pool.at(-1)].slice(0, count))
}

function renderFamily(family, examples, skipped) {
  const { family: title } = json(`${folder(family.package)}/metadata.json`)
  const faces = facesOf(family.package)
  const withLetters = letterFaces(faces, LETTER_FACES[family.split])
  for (const face of faces) {
    const font = fontkit.create(readFileSync(here(`${folder(family.package)}/files/${face.file}`)))
    const digits = DIGITS.map((c) => outline(font, c))
    const missing = DIGITS.filter((_, i) => !digits[i])
    if (missing.length > 0) {
      skipped.push(`${face.file}: no ${missing.join(' ')}`)
      continue
    }
    const scale = DIGIT_HEIGHT / Math.max(...digits.map((d) => d.height))
    const show = (kind) => (character, label) => {
      const shape = kind === 'digits' ? digits[label] : outline(font, character)
      const image = shape && raster(shape, scale)
      if (!image || image.reduce((a, b) => a + b, 0) < 255 * 8) return skipped.push(`${face.file}: ${character} is missing or empty`)
      examples.push({
        kind,
        split: family.split,
        label,
        character,
        image,
        family: title,
        style: family.style,
        weight: face.weight,
        slant: face.slant,
      })
    }
    DIGITS.forEach(show('digits'))
    if (withLetters.has(face)) LETTERS.forEach((c, label) => (family.capitals && c > 'Z' ? undefined : show('letters')(c, label)))
  }
}

/** Keeps the first of equal images with equal characters: a family may repeat a figure across faces. */
function distinct(examples) {
  const seen = new Set()
  return examples.filter(({ character, image }) => {
    const key = `${character} ${hash(image)}`
    return !seen.has(key) && seen.add(key)
  })
}

const idx = (magic, sizes, bytes) => {
  const header = Buffer.alloc(4 + 4 * sizes.length)
  ;[magic, ...sizes].forEach((n, i) => header.writeUInt32BE(n, 4 * i))
  return gzipSync(Buffer.concat([header, bytes]), { level: 9 })
}

function write(examples) {
  mkdirSync(here('../data'), { recursive: true })
  const rows = ['characters,split,index,character,family,style,weight,slant']
  let total = 0
  const put = (name, bytes) => {
    writeFileSync(here(`../data/${name}`), bytes)
    total += bytes.length
  }
  for (const kind of ['digits', 'letters'])
    for (const split of ['train', 'validation', 'test']) {
      const chosen = examples.filter((e) => e.kind === kind && e.split === split)
      put(`${kind}-${split}-images-idx3-ubyte.gz`, idx(2051, [chosen.length, SIDE, SIDE], Buffer.concat(chosen.map((e) => e.image))))
      put(`${kind}-${split}-labels-idx1-ubyte.gz`, idx(2049, [chosen.length], Buffer.from(chosen.map((e) => e.label))))
      chosen.forEach((e, i) => rows.push([kind, split, i, e.character, e.family, e.style, e.weight, e.slant].join()))
      console.log(`${kind} ${split}: ${chosen.length} images of ${new Set(chosen.map((e) => e.family)).size} families`)
    }
  put('metadata.csv.gz', gzipSync(rows.join('\n') + '\n', { level: 9 }))
  console.log(`${total} bytes`)
}

/** The copyright line, without the repeats for every file of a family. */
const firstNotice = (attribution) =>
  attribution
    .replace(/\s\S+\.ttf: .*$/s, '')
    .replaceAll('|', '/')
    .replaceAll('\n', ' ')

function licences(families) {
  const rows = families.map(({ package: name, style, split }) => {
    const { family, license } = json(`${folder(name)}/metadata.json`)
    const { version } = json(`${folder(name)}/package.json`)
    return `- ${family} (${style}, ${split}): ${license.type}, @fontsource/${name} ${version}. ${firstNotice(license.attribution)}`
  })
  return [
    '# Typefaces of the glyphs data set',
    '',
    'Written by `render/render.mjs`. The images show typefaces under open licences; no font file is included. OFL-1.1 is the SIL Open Font',
    'License, UFL-1.0 the Ubuntu Font Licence.',
    '',
    ...rows,
    '',
  ].join('\n')
}

const families = splitFamilies(json('./families.json'))
const examples = []
const skipped = []
for (const family of families) renderFamily(family, examples, skipped)
const kept = distinct(examples)
write(kept)
writeFileSync(here('../LICENCES.md'), licences(families))
writeFileSync(here('../sample.png'), sample(kept))
console.log(`${examples.length - kept.length} repeated images left out`)
for (const line of skipped) console.log(`skipped ${line}`)
const sheets = process.argv.indexOf('--sheets')
if (sheets > 0) contactSheets(kept, process.argv[sheets + 1])

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCanvas } from '@napi-rs/canvas'

const SIDE = 28

/** A PNG of images, black on white, in rows of `columns`, with an optional caption at the left of each row. */
export function sheet(rows, { columns, margin = 0 }) {
  const canvas = createCanvas(margin + columns * SIDE, rows.length * SIDE)
  const context = canvas.getContext('2d')
  context.fillStyle = '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  rows.forEach(({ caption, images }, r) => {
    context.fillStyle = '#000'
    context.font = '12px sans-serif'
    if (caption) context.fillText(caption, 2, r * SIDE + 18)
    images.forEach((image, c) => {
      const tile = context.createImageData(SIDE, SIDE)
      image.forEach((grey, i) => tile.data.set([255 - grey, 255 - grey, 255 - grey, 255], 4 * i))
      context.putImageData(tile, margin + c * SIDE, r * SIDE)
    })
  })
  return canvas.toBuffer('image/png')
}

/** Contact sheets for the eye: the characters of every face in a row, the family's name at its left. */
export function contactSheets(examples, folder) {
  mkdirSync(folder, { recursive: true })
  for (const [kind, perRow] of [
    ['digits', 40],
    ['letters', 48],
  ]) {
    const families = new Map()
    for (const e of examples) if (e.kind === kind) families.set(e.family, [...(families.get(e.family) ?? []), e.image])
    const rows = [...families].flatMap(([family, images]) =>
      Array.from({ length: Math.ceil(images.length / perRow) }, (_, i) => ({
        caption: i === 0 ? family : '',
        images: images.slice(i * perRow, (i + 1) * perRow),
      })),
    )
    for (let page = 0; page * 60 < rows.length; page++)
      writeFileSync(join(folder, `${kind}-${page}.png`), sheet(rows.slice(page * 60, (page + 1) * 60), { columns: perRow, margin: 170 }))
  }
}

/** A small picture of the data set: two families of each style, digits first, then letters. */
export function sample(examples) {
  const rows = [...new Set(examples.map((e) => e.style))].flatMap((style) => {
    const lettered = examples.filter((e) => e.style === style && e.kind === 'letters')
    return [...new Set(lettered.map((e) => e.family))].slice(0, 2).map((family) => {
      const letters = lettered.filter((e) => e.family === family)
      const { weight, slant } = letters[0]
      const digits = examples.filter((e) => e.kind === 'digits' && e.family === family && e.weight === weight && e.slant === slant)
      // Sixteen greys, for a small file.
      const coarse = (image) => image.map((grey) => 17 * Math.round(grey / 17))
      return { images: [...digits, ...letters.filter((_, i) => i % 3 === 0).slice(0, 8)].map((e) => coarse(e.image)) }
    })
  })
  return sheet(rows, { columns: 18 })
}

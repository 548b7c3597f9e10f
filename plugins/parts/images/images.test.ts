import { encode } from 'fast-png'
import { packTar } from 'modern-tar'
import { expect, test } from 'vitest'
import { cover, decodeImage, readTar, resize, withChannels, type Picture } from './index.js'

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))
const picture = (height: number, width: number, channels: number, at: (i: number) => number): Picture => ({
  height,
  width,
  channels,
  data: Uint8Array.from({ length: height * width * channels }, (_, i) => at(i)),
})

// Written by Pillow; the numbers beside are what Pillow reads.
const jpeg =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAIAAoDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwCD4W/sk/6n/QvT+GvoCH9kseSn+hj7o/hoor6+pNwtY+SR/9k='
const palette =
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAgMAAAAmWC1rAAAADFBMVEX/AAAA/wAAAP8JCAei0mLAAAAAEUlEQVR4nGOQZmAJvMLiKgIABogBoqvmt1sAAAAASUVORK5CYII='
const bilevel = 'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAQAAAABzTfhVAAAADklEQVR4nGNgYKhg+AEAAmYBcc0mkJIAAAAASUVORK5CYII='
const deep = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACEAAAAAAHTY67AAAAEklEQVR4nGNgYPBTYJzj4KcAAAbdAbq/9ePxAAAAAElFTkSuQmCC'

test('JPEG as Pillow reads it', () => {
  const read = decodeImage(bytes(jpeg), 'a.jpg')
  expect([read.height, read.width, read.channels]).toEqual([8, 10, 3])
  const wanted = [
    0, 31, 56, 8, 40, 65, 18, 47, 77, 26, 55, 85, 37, 66, 98, 45, 74, 106, 54, 83, 115, 63, 92, 124, 72, 101, 131, 80, 109, 139,
  ]
  expect(Array.from(read.data.subarray(0, 30))).toEqual(wanted)
})

test('PNG: plain, of a palette, of 1 and of 16 bits', () => {
  const plain = picture(3, 2, 4, (i) => (i * 37) % 256)
  expect(decodeImage(encode({ ...plain, channels: 4, depth: 8 }), 'a.png')).toEqual(plain)
  const colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7]
  expect(Array.from(decodeImage(bytes(palette), 'b.png').data)).toEqual(Array.from({ length: 45 }, (_, i) => colours[i % 12]))
  expect(Array.from(decodeImage(bytes(bilevel), 'c.png').data)).toEqual(Array.from({ length: 15 }, (_, i) => (i > 5 ? 255 : 0)))
  expect(Array.from(decodeImage(bytes(deep), 'd.png').data)).toEqual([0, 20000, 40000, 60000].map((v) => v >> 8))
})

test('what cannot be decoded is named', () => {
  for (const bad of [new Uint8Array(0), new TextEncoder().encode('GIF89a'), bytes(jpeg).subarray(0, 640), bytes(palette).subarray(0, 60)])
    expect(() => decodeImage(bad, 'folder/bad.jpg')).toThrow(/OCK-DATA-070 at folder\/bad\.jpg/)
  // A good file after a bad one is read as before.
  expect(decodeImage(bytes(jpeg), 'a.jpg').data[1]).toBe(31)
})

test('channels: luma as in Pillow, transparency left out', () => {
  const rgb = picture(6, 5, 3, (i) => (i * 7) % 256)
  expect(Array.from(withChannels(rgb, 1).data.subarray(0, 14))).toEqual([6, 27, 48, 69, 90, 111, 132, 153, 174, 195, 216, 237, 78, 23])
  expect(
    Array.from(
      withChannels(
        picture(1, 2, 2, (i) => i),
        3,
      ).data,
    ),
  ).toEqual([0, 0, 0, 2, 2, 2])
  expect(
    Array.from(
      withChannels(
        picture(1, 2, 4, (i) => i),
        3,
      ).data,
    ),
  ).toEqual([0, 1, 2, 4, 5, 6])
})

// Numbers by Pillow, which rounds once more in between.
test.each([
  [
    'bilinear',
    { height: 4, width: 3 },
    [48, 55, 62, 81, 88, 95, 114, 121, 128, 167, 174, 181, 169, 97, 104, 91, 98, 105, 120, 127, 134, 146, 138, 145],
  ],
  ['bilinear', { height: 9, width: 8 }, [0, 7, 14, 9, 16, 23, 22, 29, 36, 35, 42, 49, 49, 56, 63, 62, 69, 76, 75, 82, 89, 84, 91, 98]],
  [
    'box',
    { height: 4, width: 3 },
    [64, 71, 78, 95, 102, 109, 127, 134, 141, 221, 228, 235, 252, 3, 10, 28, 35, 42, 123, 130, 137, 154, 161, 168],
  ],
] as const)('%s resizing to %o', (filter, size, wanted) => {
  const { data } = resize(
    picture(6, 5, 3, (i) => (i * 7) % 256),
    size,
    filter,
  )
  for (const [i, v] of wanted.entries()) expect(Math.abs(data[i]! - v)).toBeLessThanOrEqual(1)
})

test('a cover keeps the middle and does not stretch', () => {
  const wide = picture(2, 6, 1, (i) => i)
  expect(Array.from(cover(wide, { height: 2, width: 2 }).data)).toEqual([2, 3, 8, 9])
  expect(cover(wide, { height: 4, width: 4 })).toMatchObject({ height: 4, width: 4, channels: 1 })
})

test('tar: files by name, and an archive that is cut off', async () => {
  const file = (name: string, body: string) => ({ header: { name, size: body.length }, body })
  const packed = await packTar([file('./b/2.txt', 'two'), file('a/1.txt', 'one')])
  const entries = await readTar(packed, 'x.tar')
  expect(entries.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)])).toEqual([
    ['a/1.txt', 'one'],
    ['b/2.txt', 'two'],
  ])
  await expect(readTar(packed.subarray(0, 600), 'x.tar')).rejects.toThrow(/OCK-DATA-071 at x\.tar/)
  await expect(readTar(new Uint8Array(2000).fill(7), 'x.tar')).rejects.toThrow('OCK-DATA-071')
})

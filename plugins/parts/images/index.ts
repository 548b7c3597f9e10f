import { definePlugin } from 'ockham'

export { readTar, type Entry } from './archive.js'
export { blur } from './blur.js'
export { decodeImage } from './decode.js'
export type { Extent } from './extent.js'
export { withChannels, type Picture } from './picture.js'
export { cover, resize, type Filter } from './resize.js'
export { transform } from './warp.js'

export default definePlugin({ name: 'images', provides: [] })

import { definePlugin } from 'ockham'

export { decode, openSafetensors, type Decoded, type SafetensorsFile } from './decode.js'
export { encode } from './encode.js'
export { encodePosterior } from './posterior.js'
export { fileSource, memorySource, type ByteSource } from './source.js'
export { brains, half, halves } from './types.js'

export default definePlugin({ name: 'safetensors', provides: [] })

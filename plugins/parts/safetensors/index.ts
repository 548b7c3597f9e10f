import { definePlugin } from 'ockham'

export { decode, type Decoded } from './decode.js'
export { encode } from './encode.js'
export { encodePosterior } from './posterior.js'

export default definePlugin({ name: 'safetensors', provides: [] })

import { definePlugin } from 'ockham'

export { geometryOf, type Geometry } from './geometry.js'
export { linearLayers, type Layers, type LinearLayer } from './layers.js'
export { jacobian, kernelJacobian, layerPass, pullColumns, pullEach, stackEach, unitColumns, windows, type LayerPass } from './pass.js'

export default definePlugin({ name: 'curvature', provides: [] })

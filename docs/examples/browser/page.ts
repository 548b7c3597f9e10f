/* A run's posterior in a browser: the same spec, the same file, the same traced functions, on tfjs' wasm kernels. */
import 'reflect-metadata'
import plugins from 'plugins-of-the-run'
import { container as root } from 'tsyringe'
import { check, ENGINE, Registry, type Json, type Prediction, type Value } from 'ockham'
import { restorePosterior, keptOf } from '../../../hosts/node/restore.js'
import { decode } from '../../../plugins/parts/safetensors/index.js'
import { createEngine, interpreter } from '../../../plugins/services/engine/index.js'

const element = (id: string): HTMLElement => document.getElementById(id)!

async function fetched(file: string): Promise<Response> {
  const response = await fetch(file)
  if (response.ok) return response
  throw new Error(`${file}: ${response.status}`)
}

/** The posterior of the run that the page was built for. */
async function load() {
  const engine = createEngine(await interpreter())
  const container = root.createChildContainer()
  container.register(ENGINE, { useValue: engine })
  const registry = new Registry({ plugins: {} }, () => Promise.reject(new Error('everything is in the page')))
  for (const plugin of plugins) registry.add(plugin)
  const spec = (await (await fetched('spec.json')).json()) as Json
  const kept = keptOf(decode(new Uint8Array(await (await fetched('posterior.safetensors')).arrayBuffer())))
  const around = { registry, container, capabilities: engine.capabilities }
  return { engine, meta: kept.dataset, posterior: await restorePosterior(kept, spec, (s) => check(s, around)) }
}

const fields = (p: Prediction): Record<string, Value> =>
  p.kind === 'categorical' ? { probabilities: p.probabilities } : { mean: p.mean, variance: p.variance }

const rows = ({ shape, data }: Value): number[][] => {
  const width = data.length / shape[0]!
  return Array.from({ length: shape[0]! }, (_, i) => Array.from(data.slice(i * width, (i + 1) * width)))
}

try {
  const { posterior, meta, engine } = await load()
  const { shape } = meta.shapes['x']!
  const width = shape.reduce((a, b) => a * b, 1)
  const input = element('x') as HTMLTextAreaElement
  input.value = new URLSearchParams(location.search).get('x') ?? JSON.stringify(Array<number>(width).fill(0))
  element('about').textContent =
    `${meta.task}${meta.classes ? `: ${meta.classes.join(', ')}` : ''}; ${width} numbers a row; ${engine.name} on ${engine.build['provider']}`
  const predict = async (): Promise<void> => {
    const data = Float32Array.from((JSON.parse(input.value) as (number | number[])[]).flat())
    const prediction = await posterior.predict({ x: { shape: [data.length / width, ...shape], dtype: 'float32', data } })
    element('result').textContent = JSON.stringify(
      Object.fromEntries(Object.entries(fields(prediction)).map(([name, v]) => [name, rows(v)])),
    )
  }
  element('predict').onclick = () => void predict()
  await predict()
} catch (error) {
  element('result').textContent = String(error)
}

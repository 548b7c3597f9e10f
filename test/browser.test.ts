/* The page of docs/examples/browser in a real browser, against `predict` in Node. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createHost, load, use } from 'ockham/hosts/node'
import { expect, it } from 'vitest'
import { buildPage } from '../docs/examples/browser/build.js'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const works = (command: string): boolean => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
const chromium = [process.env['CHROMIUM'], ...names].find((command) => command !== undefined && command !== '' && works(command))

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

/** Serves a folder while `work` goes on. */
async function served<T>(folder: string, work: (address: string) => Promise<T>): Promise<T> {
  const server = createServer(({ url }, response) => {
    const file = new URL(url ?? '/', 'http://page').pathname.slice(1)
    try {
      const bytes = readFileSync(join(folder, file || 'index.html'))
      response.writeHead(200, { 'content-type': types[extname(file)] ?? (file ? 'application/octet-stream' : 'text/html') }).end(bytes)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
  }
}

/** The document after its scripts are done. */
const dom = (address: string): Promise<string> =>
  new Promise((done, fail) => {
    const profile = mkdtempSync(join(tmpdir(), 'ockham-chromium-'))
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`, '--virtual-time-budget=60000', '--dump-dom']
    execFile(chromium!, [...flags, address], { timeout: 90_000 }, (error, stdout) =>
      error ? fail(new Error(error.message)) : done(stdout),
    )
  })

it('a page predicts what the run predicts in Node', { timeout: 150_000 }, async ({ skip }) => {
  if (chromium === undefined) return skip(`no browser: neither CHROMIUM nor ${names.join(', ')}`)
  const out = mkdtempSync(join(tmpdir(), 'ockham-browser-'))
  const host = await createHost({ out, engine: 'interpreter' })
  const { folder } = await host.run({
    dataset: use('two-moons', { n: 60 }),
    model: use('mlp', { hidden: [12] }),
    objective: use('cross-entropy'),
    prior: use('normal', { scale: 1 }),
    inference: use('map', { steps: 30, batchSize: 20 }),
    evaluations: [],
  })
  await host.dispose()
  const page = join(out, 'page')
  await buildPage(folder!, page)
  const x = [
    [0.5, 0.1],
    [-1, 2],
    [3, -0.25],
  ]
  const html = await served(page, (address) => dom(`${address}/?x=${JSON.stringify(x)}`))
  const shown = /<pre id="result">(.*?)<\/pre>/s.exec(html)?.[1] ?? ''
  expect(shown).toMatch(/^\{"probabilities"/)
  const { predict, dispose } = await load(folder!)
  const wanted = await predict({ x: { shape: [3, 2], dtype: 'float32', data: Float32Array.from(x.flat()) } })
  await dispose()
  const { probabilities } = JSON.parse(shown) as { probabilities: number[][] }
  if (wanted.kind !== 'categorical') throw new Error('classes were learnt')
  probabilities.flat().forEach((p, i) => expect(p).toBeCloseTo(wanted.probabilities.data[i]!, 5))
})

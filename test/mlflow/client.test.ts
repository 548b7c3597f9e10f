import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { MlflowClient, MlflowError } from 'ockham/plugins/mlflow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { proxy } from './proxy.js'
import { hasAuth, missing, readBack, Server, temporary } from './server.js'

const at = 1_700_000_000_000
const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
const failure = async (work: Promise<unknown>): Promise<MlflowError> => {
  const error: unknown = await work.then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(MlflowError)
  return error as MlflowError
}

describe.skipIf(missing)('MlflowClient against a real server', { timeout: 120_000 }, () => {
  let server: Server
  let client: MlflowClient
  let experiment: string
  const fresh = (name = 'run') => client.runs.create({ experimentId: experiment, name })

  beforeAll(async () => {
    server = await Server.start()
    client = new MlflowClient({ uri: server.uri, backoff: 0.05 })
    experiment = (await client.experiments.getOrCreate('client')).id
  }, 120_000)
  afterAll(async () => {
    client.close()
    await server.stop()
  })

  it('finds, creates, renames, tags and restores experiments', async () => {
    const { experiments } = client
    const made = await Promise.all(['both', 'both', 'both'].map((name) => experiments.getOrCreate(name)))
    expect(new Set(made.map((e) => e.id)).size).toBe(1)
    const { id } = made[0]!
    await experiments.setTag(id, 'about', 'a test')
    expect((await experiments.get(id)).tags['about']).toBe('a test')
    await experiments.rename(id, 'renamed')
    expect(await experiments.find('both')).toBeUndefined()
    await experiments.delete(id)
    expect((await experiments.find('renamed'))?.deleted).toBe(true)
    await expect(experiments.getOrCreate('renamed')).rejects.toThrow(/OCK-MLFLOW-012 .*mlflow experiments restore/)
    expect((await experiments.getOrCreate('renamed', 'restore')).id).toBe(id)
    expect((await experiments.get(id)).deleted).toBe(false)
    const names = (await collect(experiments.search('', 'ACTIVE_ONLY', 1))).map((e) => e.name)
    expect(names).toEqual(expect.arrayContaining(['renamed', 'client', 'Default']))
  })

  it('creates, updates, deletes and restores runs, nests them, and searches page by page', async () => {
    const parent = await client.runs.create({ experimentId: experiment, name: 'parent', startTime: at, tags: { kind: 'sweep' } })
    expect(parent).toMatchObject({ name: 'parent', status: 'RUNNING', startTime: at })
    const children = []
    for (let i = 0; i < 5; i++) children.push(await client.runs.create({ experimentId: experiment, name: `child ${i}`, parent: parent.id }))
    const filter = `tags.mlflow.parentRunId = '${parent.id}'`
    const found = await collect(client.runs.search([experiment], { filter, page: 2, orderBy: ['attributes.run_name'] }))
    expect(found.map((r) => r.id)).toEqual(children.map((r) => r.id))
    await client.runs.update(parent.id, { status: 'FAILED', endTime: at + 5, name: 'renamed' })
    expect(await client.runs.get(parent.id)).toMatchObject({ status: 'FAILED', endTime: at + 5, name: 'renamed', tags: { kind: 'sweep' } })
    await client.runs.delete(parent.id)
    expect((await client.runs.get(parent.id)).deleted).toBe(true)
    await client.runs.restore(parent.id)
    expect((await client.runs.get(parent.id)).deleted).toBe(false)
  })

  it('splits at every cap, and what it logged is there', async () => {
    const run = await fresh()
    const metrics = Array.from({ length: 2500 }, (_, i) => ({ key: 'loss', value: 1 / (i + 1), step: i, time: at + i }))
    const params = Object.fromEntries(Array.from({ length: 230 }, (_, i) => [`p${i}`, String(i)]))
    const tags = Object.fromEntries(Array.from({ length: 210 }, (_, i) => [`t${i}`, 'é'.repeat(4000)]))
    await client.runs.log(run.id, { metrics, params, tags })
    const read = await client.runs.get(run.id)
    expect(read.params).toEqual(params)
    expect(read.tags).toMatchObject(tags)
    expect(await client.runs.history(run.id, 'loss', 700)).toEqual(metrics)
    await client.runs.deleteTag(run.id, 't0')
    expect((await client.runs.get(run.id)).tags['t0']).toBeUndefined()
  })

  it('refuses a changed param by code, and keeps what is too long as an artifact', async () => {
    const run = await fresh()
    await client.runs.log(run.id, {
      params: { a: '1', long: 'x'.repeat(6001), longest: 'y'.repeat(6000) },
      tags: { big: 'z'.repeat(5001) },
    })
    await client.runs.log(run.id, { params: { a: '1' } })
    const error = await failure(client.runs.log(run.id, { params: { a: '2' } }))
    expect([error.mlflow, error.status, error.transient]).toEqual(['INVALID_PARAMETER_VALUE', 400, false])
    const { params, tags, artifactUri } = await client.runs.get(run.id)
    expect(params).toEqual({ a: '1', long: 'see the artifact params/long.txt (6001 characters)', longest: 'y'.repeat(6000) })
    expect(tags['big']).toContain('tags/big.txt')
    expect(await client.artifacts.readText(artifactUri, 'params/long.txt')).toBe('x'.repeat(6001))
  })

  it('keeps NaN, sends infinities, and repeats nothing', async () => {
    const run = await fresh()
    const metrics = [NaN, Infinity, -Infinity, 0].map((value, step) => ({ key: 'odd', value, step, time: at }))
    for (let i = 0; i < 2; i++) await client.runs.log(run.id, { metrics })
    const values = (await client.runs.history(run.id, 'odd')).map((m) => m.value)
    expect(values).toEqual([NaN, Number.MAX_VALUE, -Number.MAX_VALUE, 0])
  })

  it('refuses what the server would store as something else', async () => {
    const run = await fresh()
    const point = { key: 'm', value: 1, step: 0, time: at }
    await expect(client.runs.log(run.id, { metrics: [{ ...point, step: 0.5 }] })).rejects.toThrow(/OCK-MLFLOW-011/)
    await expect(client.runs.log(run.id, { metrics: [{ ...point, time: performance.now() }] })).rejects.toThrow(/OCK-MLFLOW-011/)
    // A value that is no number at all: the run's id stands last, so the server stores nothing instead of zero.
    const error = await failure(client.runs.log(run.id, { metrics: [point, { ...point, value: 'abc' as unknown as number }] }))
    expect(error.code).toBe('OCK-MLFLOW-011')
    expect((await client.runs.get(run.id)).metrics).toEqual({})
  })

  it('records inputs with digests and contexts', async () => {
    const run = await fresh()
    const input = { name: 'glyphs', digest: 'a'.repeat(64), sourceType: 'ockham', source: '{}', profile: '{"rows":3}', context: 'training' }
    for (let i = 0; i < 2; i++) await client.runs.logInputs(run.id, [input, { ...input, digest: 'b', context: 'validation' }])
    const read = (await client.runs.get(run.id)).inputs
    expect(read.map((i) => [i.digest, i.context, i.profile]).sort()).toEqual([
      ['a'.repeat(36), 'training', '{"rows":3}'],
      ['b', 'validation', '{"rows":3}'],
    ])
  })

  it('uploads, lists, reads and downloads artifacts, and no path leads out', async () => {
    const { artifactUri: root } = await fresh()
    const folder = temporary()
    const big = join(folder, 'big.bin')
    writeFileSync(big, randomBytes(3_000_000))
    // A store without parts answers 501: then the file goes up whole.
    const parts = new MlflowClient({ uri: server.uri, partSize: 1_000_000 })
    await parts.artifacts.upload(root, 'a folder/ünï?%&.bin', big)
    parts.close()
    await client.artifacts.uploadText(root, 'figures/one.svg', '<svg/>')
    await client.artifacts.uploadText(root, 'empty.txt', '')
    expect((await collect(client.artifacts.walk(root))).map((f) => [f.path, f.size]).sort()).toEqual([
      ['a folder/ünï?%&.bin', 3_000_000],
      ['empty.txt', 0],
      ['figures/one.svg', 6],
    ])
    expect((await client.artifacts.list(root)).map((f) => [f.path, f.folder])).toContainEqual(['figures', true])
    const files = await client.artifacts.download(root, '', join(folder, 'back'))
    expect(files.length).toBe(3)
    expect(readFileSync(join(folder, 'back', 'a folder', 'ünï?%&.bin')).equals(readFileSync(big))).toBe(true)
    await client.artifacts.delete(root, 'empty.txt')
    expect((await client.artifacts.list(root)).map((f) => f.path)).not.toContain('empty.txt')
    for (const path of ['../x', 'a/../../x', 'a#b'])
      await expect(client.artifacts.uploadText(root, path, 'x')).rejects.toThrow(/OCK-MLFLOW-014/)
    await expect(client.artifacts.uploadText('s3://bucket/run', 'x', 'x')).rejects.toThrow(/OCK-MLFLOW-013/)
    expect((await failure(client.artifacts.readText(root, 'nothing.txt'))).mlflow).toMatch(/RESOURCE_DOES_NOT_EXIST|NOT_FOUND/)
  })

  it('logs models, registers them and finds them by alias', async () => {
    const run = await fresh()
    const model = await client.models.create({
      experimentId: experiment,
      name: 'net',
      runId: run.id,
      params: { width: '8' },
      tags: { a: 'b' },
    })
    await client.artifacts.uploadText(model.artifactUri, 'weights.txt', '1 2 3')
    await client.models.finish(model.id)
    await client.models.setTags(model.id, { c: 'd' })
    await client.runs.logOutputs(run.id, [{ id: model.id, step: 3 }])
    await client.runs.log(run.id, { metrics: [{ key: 'nll', value: 0.5, step: 3, time: at, model: model.id }] })
    expect(await client.models.get(model.id)).toMatchObject({
      status: 'LOGGED_MODEL_READY',
      params: { width: '8' },
      tags: { c: 'd' },
      runId: run.id,
    })
    expect((await collect(client.models.search([experiment]))).map((m) => m.id)).toContain(model.id)
    const version = await client.registry.register('nets', { source: model.artifactUri, runId: run.id, modelId: model.id })
    expect((await client.registry.register('nets', { source: model.artifactUri, modelId: model.id })).version).toBe(version.version)
    await client.registry.setAlias('nets', 'best', version.version)
    const found = await client.registry.byAlias('nets', 'best')
    expect(found).toMatchObject({ name: 'nets', version: '1', modelId: model.id })
    expect((await client.registry.version('nets', '1')).aliases).toEqual(['best'])
    expect((await failure(client.registry.byAlias('nets', 'nobody'))).mlflow).toBe('RESOURCE_DOES_NOT_EXIST')
    await expect(client.registry.ensure('a/b')).rejects.toThrow(/OCK-MLFLOW-015/)
    const { back, weights } = readBack<{ back: string; weights: string }>(
      server.uri,
      `import json, mlflow
v = mlflow.MlflowClient().get_model_version_by_alias('nets', 'best')
m = mlflow.get_logged_model(v.source.split('/')[-2])
path = mlflow.artifacts.download_artifacts('models:/nets@best')
print(json.dumps({'back': m.model_id, 'weights': open(path + '/weights.txt').read()}))`,
    )
    expect([back, weights]).toEqual([model.id, '1 2 3'])
    await client.registry.deleteAlias('nets', 'best')
    await client.registry.delete('nets')
    await client.models.delete(model.id)
  })

  it('waits as it is told to, and repeats after a transient failure', async () => {
    let left = 2
    const busy = await proxy(server.uri, {
      answer: () =>
        left-- > 0 ? { status: left === 1 ? 429 : 502, headers: { 'retry-after': '1' }, body: '<html>Bad gateway</html>' } : undefined,
    })
    const patient = new MlflowClient({ uri: busy.uri, backoff: 0.01 })
    const began = performance.now()
    expect((await patient.experiments.get(experiment)).name).toBe('client')
    expect(performance.now() - began).toBeGreaterThan(1900)
    expect(busy.calls.length).toBe(3)
    busy.trouble.answer = () => ({ status: 503, body: 'down' })
    const impatient = new MlflowClient({ uri: busy.uri, retries: 1, backoff: 0.01 })
    expect((await failure(impatient.experiments.get(experiment))).mlflow).toBe('TEMPORARILY_UNAVAILABLE')
    for (const c of [patient, impatient]) c.close()
    busy.close()
  })

  it('makes no second run where the answer was lost', async () => {
    const lossy = await proxy(server.uri, { lose: (call) => call.includes('runs/create') })
    const other = new MlflowClient({ uri: lossy.uri, backoff: 0.01 })
    expect((await failure(other.runs.create({ experimentId: experiment, tags: { once: 'lost' } }))).mlflow).toBe('UNREACHABLE')
    expect((await collect(client.runs.search([experiment], { filter: "tags.once = 'lost'" }))).length).toBe(1)
    other.close()
    lossy.close()
  })

  it('explains a Host header that the server refuses', async () => {
    const named = await proxy(server.uri, { host: 'mlflow.example.org' })
    const error = await failure(new MlflowClient({ uri: named.uri }).experiments.get(experiment))
    expect([error.code, error.mlflow]).toEqual(['OCK-MLFLOW-004', 'PERMISSION_DENIED'])
    expect(error.message).toMatch(/--allowed-hosts/)
    named.close()
  })

  it('says what is there instead of a tracking server', async () => {
    const none = new MlflowClient({ uri: 'http://127.0.0.1:9', retries: 0 })
    expect((await failure(none.experiments.get('0'))).code).toBe('OCK-MLFLOW-001')
    expect((await failure(new MlflowClient({ uri: `${server.uri}/elsewhere` }).experiments.get('0'))).code).toBe('OCK-MLFLOW-005')
    for (const uri of ['sqlite:///mlflow.db', 'databricks', './mlruns']) expect(() => new MlflowClient({ uri })).toThrow(/OCK-MLFLOW-010/)
    expect(() => new MlflowClient({ uri: 'sqlite://me:secret@host/db' })).toThrow(/^(?!.*secret)/)
  })

  it('trusts a certificate by its authority alone', async () => {
    const folder = temporary()
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject], {
      stdio: 'ignore',
    })
    const secure = await proxy(server.uri, {}, { key: readFileSync(key), cert: readFileSync(cert) })
    expect((await failure(new MlflowClient({ uri: secure.uri, retries: 0 }).experiments.get(experiment))).code).toBe('OCK-MLFLOW-009')
    const trusting = new MlflowClient({ uri: secure.uri, ca: cert })
    expect((await trusting.experiments.get(experiment)).name).toBe('client')
    trusting.close()
    expect((await new MlflowClient({ uri: secure.uri, insecure: true }).experiments.get(experiment)).name).toBe('client')
    secure.close()
  })
})

describe('multipart', () => {
  it('uploads in parts where the server offers them, and gives its credentials to nobody else', async () => {
    const parts: Record<string, Buffer> = {}
    const seen: (string | undefined)[] = []
    let completed: unknown
    const port = (s: ReturnType<typeof createServer>) => (s.address() as AddressInfo).port
    const listen = (handle: (from: IncomingMessage, body: Buffer) => { body?: string; etag?: string }) =>
      new Promise<ReturnType<typeof createServer>>((settle) => {
        const made = createServer((from, back) => {
          void buffer(from).then((body) => {
            const { body: answer = '', etag } = handle(from, body)
            back.writeHead(200, etag ? { etag } : {}).end(answer)
          })
        })
        made.listen(0, '127.0.0.1', () => settle(made))
      })
    const store = await listen((from, body) => {
      seen.push(from.headers.authorization)
      parts[from.url!] = body
      return { etag: `"${from.url}"` }
    })
    const server = await listen((from, body) => {
      const asked = JSON.parse(body.toString()) as { num_parts?: number }
      if (from.url!.includes('mpu/complete')) completed = asked
      const credentials = Array.from({ length: asked.num_parts ?? 0 }, (_, i) => ({
        url: `http://127.0.0.1:${port(store)}/${i}?s=1`,
        part_number: i + 1,
      }))
      return { body: JSON.stringify({ upload_id: 'u', credentials }) }
    })
    const folder = temporary()
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'big.bin')
    writeFileSync(file, randomBytes(2_500_000))
    const client = new MlflowClient({ uri: `http://127.0.0.1:${port(server)}`, token: 'secret', partSize: 1_000_000 })
    await client.artifacts.upload('mlflow-artifacts:/1/r/artifacts', 'deep/big.bin', file)
    expect(Buffer.concat(['/0?s=1', '/1?s=1', '/2?s=1'].map((p) => parts[p]!)).equals(readFileSync(file))).toBe(true)
    expect(completed).toMatchObject({
      path: 'big.bin',
      upload_id: 'u',
      parts: [{ part_number: 1, etag: '"/0?s=1"' }, { part_number: 2 }, { part_number: 3 }],
    })
    expect(seen).toEqual([undefined, undefined, undefined])
    client.close()
    store.close()
    server.close()
  })
})

describe.skipIf(!hasAuth())('a server with passwords', { timeout: 120_000 }, () => {
  it('says 401 for a wrong token and takes the right password', async () => {
    const folder = temporary()
    const config = join(folder, 'auth.ini')
    const admin = ['admin_username = admin', 'admin_password = a-long-password']
    const functions = 'authorization_function = mlflow.server.auth:authenticate_request_basic_auth'
    writeFileSync(
      config,
      ['[mlflow]', 'default_permission = READ', `database_uri = sqlite:///${folder}/auth.db`, ...admin, functions, ''].join('\n'),
    )
    const secret = {
      MLFLOW_FLASK_SERVER_SECRET_KEY: 'test',
      MLFLOW_AUTH_CONFIG_PATH: config,
      MLFLOW_AUTH_ADMIN_PASSWORD: 'a-long-password',
    }
    const server = await Server.start(['--app-name', 'basic-auth'], secret)
    try {
      for (const wrong of [{ token: 'wrong' }, { username: 'admin', password: 'wrong' }, {}]) {
        const error = await failure(new MlflowClient({ uri: server.uri, ...wrong }).experiments.get('0'))
        expect([error.code, error.mlflow, error.refused, error.transient]).toEqual(['OCK-MLFLOW-002', 'UNAUTHENTICATED', true, false])
      }
      const right = new MlflowClient({ uri: server.uri.replace('//', '//admin:a-long-password@') })
      expect((await right.experiments.get('0')).name).toBe('Default')
      expect(right.uri).not.toContain('password')
      right.close()
    } finally {
      await server.stop()
    }
  })
})

/* The guides: code in them compiles or stands in a file, specs in them are right, and the examples run in small. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { applySet, fromPlain, InputError, type Json, type PipelineSpec } from 'ockham'
import { createHost, parseYaml, type Host } from 'ockham/hosts/node'
import { priorSuite } from 'ockham/testing'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lasso } from '../docs/examples/lasso.js'
import { root, sources } from './imports.js'

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]
const examples = readdirSync(join(root, 'docs/examples'))
const specs = examples.filter((file) => file.endsWith('.yaml'))

interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  /** The file it says it is from. */
  readonly file?: string
  readonly text: string
}

/** The fenced blocks of a page. */
function blocksOf(page: string): Block[] {
  const lines = readFileSync(join(root, page), 'utf8').split('\n')
  const blocks: Block[] = []
  for (let i = 0; i < lines.length; i++) {
    const open = /^```(\S*)(?: file=(\S+))?\s*$/.exec(lines[i]!)
    if (!open) continue
    const end = lines.indexOf('```', i + 1)
    blocks.push({ page, line: i + 2, language: open[1]!, ...(open[2] && { file: open[2] }), text: lines.slice(i + 1, end).join('\n') })
    i = end
  }
  return blocks
}

const blocks = pages.flatMap(blocksOf)
const place = ({ page, line }: Block): string => `${page}:${line}`

describe('code in the guides', () => {
  const typescript = blocks.filter(({ language }) => language === 'ts')

  it.each(typescript.filter(({ file }) => file).map((block) => [place(block), block] as const))(
    '%s stands in the file it names',
    (_, block) => {
      expect(readFileSync(join(root, block.file!), 'utf8')).toContain(block.text)
    },
  )

  it('compiles', { timeout: 120_000 }, () => {
    const own = typescript.filter(({ file }) => !file)
    expect(own.length).toBeGreaterThan(0)
    expect(problemsOf(own)).toEqual([])
  })

  it('is refused where it does not compile', { timeout: 120_000 }, () => {
    const wrong: Block = { page: 'docs/x.md', line: 1, language: 'ts', text: "import { use } from 'ockham'\nuse('fseb', { contxt: 1 })" }
    expect(problemsOf([wrong]).join()).toMatch(/docs\/x\.md:2: .*contxt/s)
  })
})

/** What the compiler says of blocks, each a module beside its page. */
function problemsOf(own: readonly Block[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as { config: unknown }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const virtual = new Map(own.map((block, i) => [join(root, dirname(block.page), `block-${i}.ts`), block]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.fileExists = (file) => virtual.has(file) || fileExists(file)
  host.readFile = (file) => {
    const block = virtual.get(file)
    return block ? `${block.text}\nexport {}\n` : readFile(file)
  }
  const { getSourceFile } = host
  host.getSourceFile = (file, target, ...rest) => {
    const text = virtual.has(file) ? host.readFile(file) : undefined
    return text === undefined ? getSourceFile(file, target, ...rest) : ts.createSourceFile(file, text, target)
  }
  const plugins = sources('plugins').filter((file) => file.endsWith('/index.ts'))
  const program = ts.createProgram(
    [...virtual.keys(), ...plugins.map((file) => join(root, file))],
    { ...options, noUnusedLocals: false },
    host,
  )
  return [...virtual].flatMap(([file, block]) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map(({ messageText, start, file: at }) => {
      const line = at && start !== undefined ? at.getLineAndCharacterOfPosition(start).line : 0
      return `${block.page}:${block.line + line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    }),
  )
}

describe('links in the guides', () => {
  it.each(pages)('%s leads somewhere', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1]!).filter((target) => !/^[a-z]+:/.test(target))
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
  })
})

describe('specs', () => {
  let host: Host
  const out = mkdtempSync(join(tmpdir(), 'ockham-docs-'))
  beforeAll(async () => {
    host = await createHost({ engine: 'onnxruntime', out })
  })
  afterAll(() => host.dispose())

  const inGuides = blocks.filter(({ language, text }) => language === 'yaml' && /^dataset:/m.test(text))
  it.each(inGuides.map((block) => [place(block), block] as const))('%s is a right spec', async (_, block) => {
    await host.compose(fromPlain(parseYaml(block.text, place(block))))
  })

  it.for(specs)('%s runs in small', { timeout: 300_000 }, async (file, { skip }) => {
    const text = readFileSync(join(root, 'docs/examples', file), 'utf8')
    const record = await host.run(small(parseYaml(withData(text), file))).catch((error: unknown) => {
      const absent = absence(error)
      if (absent === undefined) throw error
      return skip(absent)
    })
    const children = Object.values(record.runs ?? { run: record })
    expect(children.length).toBeGreaterThan(0)
    for (const { result } of children) expect(result.values['test/accuracy'] ?? result.values['test/rmse']).toBeGreaterThan(0)
    expect(existsSync(join(record.folder!, 'report.html'))).toBe(true)
  })
})

/** Where OCKHAM_DATA names a folder, data is looked for there. */
const withData = (text: string): string => text.replaceAll(/root: data\//g, `root: ${process.env['OCKHAM_DATA'] ?? 'data'}/`)

/** Which files a run lacked, if nothing else was wrong. */
const absence = (error: unknown): string | undefined =>
  error instanceof InputError && error.problems.every(({ what }) => /^the (folder|file) does not exist$/.test(what))
    ? `no data at ${error.problems.map(({ where }) => where).join(', ')}`
    : undefined

const isRecord = (of: Json | undefined): of is Readonly<Record<string, Json>> => typeof of === 'object' && of !== null && !Array.isArray(of)

/** How long anything learns or samples, at most. */
const most: Readonly<Record<string, number>> = { epochs: 2, steps: 2, warmup: 20, draws: 8 }

/** The same, for no longer than that, wherever it says how long. */
function brief(plain: Json): Json {
  if (Array.isArray(plain)) return plain.map(brief)
  if (!isRecord(plain)) return plain
  return Object.fromEntries(
    Object.entries(plain).map(([name, of]) => [
      name,
      most[name] !== undefined && typeof of === 'number' ? Math.min(of, most[name]) : brief(of),
    ]),
  )
}

/** The same spec with few examples and few steps. */
function small(plain: Json): PipelineSpec {
  const short = applySet(brief(plain), 'limit', 60)
  return fromPlain(isRecord(short) && 'seeds' in short ? applySet(short, 'seeds', [0]) : short)
}

describe('programs', () => {
  it('composing.ts prints a table and a prediction', { timeout: 120_000 }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'docs/examples/composing.ts'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
    for (const variant of ['map', 'fseb', 'mine']) expect(stdout).toContain(`'${variant}'`)
    expect(stdout).toContain("kind: 'categorical'")
  })

  it('are all listed', () => {
    const listed = readFileSync(join(root, 'docs/examples/README.md'), 'utf8')
    expect(examples.filter((file) => file !== 'README.md' && !listed.includes(`(${file})`))).toEqual([])
  })
})

priorSuite('lasso, the example of the guide', { make: () => lasso({ scale: 0.5 }) })

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const folder = join(import.meta.dirname, 'sketches')
const methods = ['bdl', 'chronicle', 'cpt', 'crystal', 'fseb', 'imbalance', 'lmap', 'm2ib', 'meai', 'sublora']
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'))

/** Lines where a type says `any`, or a comment silences the compiler. */
function escapes(file: string, text: string): number[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: number[] = []
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(source.getLineAndCharacterOfPosition(node.getStart()).line + 1)
    ts.forEachChild(node, visit)
  }
  visit(source)
  text.split('\n').forEach((line, i) => {
    if (/@ts-(ignore|expect-error|nocheck)/.test(line)) found.push(i + 1)
  })
  return found
}

describe('sketches', () => {
  it('hold all ten methods', () => {
    expect(methods.filter((method) => !files.includes(`${method}.ts`))).toEqual([])
  })

  it.each(files)('%s stays within 110 lines and has no any', (file) => {
    const text = readFileSync(join(folder, file), 'utf8')
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(110)
    expect(escapes(file, text)).toEqual([])
  })

  it('sees an any where there is one', () => {
    expect(escapes('x.ts', 'const a = 1\nexport const b = (c: { d: any }) => a')).toEqual([2])
  })
})

import { readFileSync } from 'node:fs'
import { InputError, isPolluting, Problems, type Json } from 'ockham'
import { isAlias, isNode, isPair, isScalar, LineCounter, parseDocument, stringify, visit } from 'yaml'

/** Parses YAML that may hold data alone: duplicate keys, anchors, aliases, tags and prototype-polluting keys are errors, all reported at once with their lines. */
export function parseYaml(text: string, source: string): Json {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: false, version: '1.2', logLevel: 'error' })
  const problems = new Problems()
  const where = (offset: number | undefined) => (offset === undefined ? source : `${source}:${lines.linePos(offset).line}`)
  for (const error of document.errors)
    problems.add({
      code: error.code === 'DUPLICATE_KEY' ? 'OCK-SPEC-011' : 'OCK-SPEC-010',
      what: error.code === 'DUPLICATE_KEY' ? 'a key stands twice in one mapping' : (error.message.split('\n')[0] ?? error.code),
      where: where(error.pos[0]),
      remedy: error.code === 'DUPLICATE_KEY' ? 'keep one of them' : 'mend the YAML',
    })
  for (const warning of document.warnings)
    problems.add({
      code: 'OCK-SPEC-014',
      what: warning.message.split('\n')[0] ?? warning.code,
      where: where(warning.pos[0]),
      remedy: 'write plain data',
    })
  visit(document, (_, node) => {
    if (isPair(node) && isScalar(node.key) && isPolluting(String(node.key.value)))
      problems.add({
        code: 'OCK-SPEC-013',
        what: `the key '${String(node.key.value)}' is not allowed`,
        where: where(node.key.range?.[0]),
        remedy: 'rename it',
      })
    if (!isNode(node)) return
    if (isAlias(node) || ('anchor' in node && node.anchor))
      problems.add({
        code: 'OCK-SPEC-012',
        what: 'anchors and aliases are not allowed',
        where: where(node.range?.[0]),
        remedy: 'write the value out; variants share what stands outside them',
      })
    if (node.tag && !node.tag.startsWith('tag:yaml.org,2002:'))
      problems.add({ code: 'OCK-SPEC-014', what: `the tag ${node.tag} is not allowed`, where: where(node.range?.[0]), remedy: 'remove it' })
  })
  problems.check()
  return document.toJS({ maxAliasCount: 0 }) as Json
}

/** Reads a spec file; a missing one is a coded error. */
export function readYaml(file: string): Json {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new InputError(
      { code: 'OCK-SPEC-001', what: `cannot read the spec '${file}'`, remedy: 'give the path of a YAML file' },
      { cause },
    )
  }
  return parseYaml(text, file)
}

/** YAML of plain data, two spaces, no anchors. */
export const toYaml = (plain: Json): string => stringify(plain, { aliasDuplicateObjects: false, lineWidth: 140 })

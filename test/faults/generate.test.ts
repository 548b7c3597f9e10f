import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { config, gguf, safetensors } from '../../plugins/parts/gpt/testing.js'
import { fileWith, ockham, temporary } from './command.js'

const folder = temporary()
const file = (name: string, data: Uint8Array | string): string => {
  const path = join(folder, name)
  writeFileSync(path, data)
  return path
}
const model = file('tiny.gguf', gguf)
const text = fileWith('ab1 ba', 'text.txt')

/** Runs a bad command: it must exit 2 and write nothing but coded problems. */
function refused(...args: string[]): string {
  const { status, stdout, stderr } = ockham('generate', ...args)
  expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: '' })
  expect(stderr).not.toMatch(/^ {4}at /m)
  return stderr
}

describe('ockham generate', () => {
  it('goes on from prompts and scores a text', () => {
    const one = ockham('generate', model, '--prompt', 'ab', '--tokens', '3', '--json')
    expect(one.status, one.stderr).toBe(0)
    const { texts } = JSON.parse(one.stdout) as { texts: { prompt: string; tokens: number[]; ended: string }[] }
    expect(texts.map(({ prompt, ended }) => [prompt, ended])).toEqual([['ab', expect.stringMatching(/^(tokens|end)$/)]])
    const scored = ockham('generate', model, '--score', text, '--tokens', '3', '--json')
    expect(JSON.parse(scored.stdout)).toEqual({
      tokens: 3,
      nllPerToken: expect.any(Number) as number,
      bitsPerByte: expect.any(Number) as number,
    })
  })

  it('refuses models that are not there or damaged, and says which file', () => {
    expect(refused('none.gguf', '--prompt', 'a')).toContain('OCK-GPT-003 at none.gguf')
    expect(refused('no-run', '--prompt', 'a')).toContain('OCK-RUN-010')
    for (const [name, data] of Object.entries({ 'cut.gguf': gguf.subarray(0, 200), 'empty.gguf': '', 'model.bin': 'PK' })) {
      const path = file(name, data)
      expect(refused(path, '--prompt', 'a')).toMatch(new RegExp(`OCK-GGUF-00\\d at ${path}`))
    }
    const published = join(folder, 'published')
    mkdirSync(published)
    writeFileSync(join(published, 'model.safetensors'), safetensors)
    expect(refused(published)).toContain('OCK-GPT-003')
    writeFileSync(join(published, 'config.json'), config)
    expect(refused(published)).toContain(`OCK-TOKENS-007 at ${published}`)
    writeFileSync(join(published, 'tokenizer.json'), '{"model":')
    expect(refused(published)).toContain('OCK-TOKENS-001')
    writeFileSync(join(published, 'model.safetensors'), safetensors.subarray(0, 5))
    expect(refused(published)).toMatch(/OCK-SAFETENSORS-002 at .*model.safetensors/)
  }, 30_000)

  it('refuses options and texts that mean nothing', () => {
    expect(refused(model, '--prompt', 'a', '--tokens', '-1')).toContain('--tokens')
    expect(refused(model, '--prompt', 'a', '--tokens', '9')).toContain('OCK-GPT-002')
    expect(refused(model, '--prompt', 'a', '--temperature', '-1', '--top-p', '2')).toMatch(/2 problems[^]*temperature[^]*topP/)
    expect(refused(model, '--prompt', 'a', '--stop', '')).toContain('OCK-GPT-007 at stop')
    expect(refused(model, '--prompt', 'a', '--score', text)).toContain('OCK-GPT-007')
    expect(refused(model, '--score', text, '--tokens', '1')).toContain('OCK-TEXT-002 at --tokens')
    expect(refused(model, '--score', file('short.txt', 'a'))).toContain('OCK-TEXT-002')
    expect(refused(model, '--score', join(folder, 'none.txt'))).toContain('OCK-TEXT-001')
    expect(refused(model, '--score', folder)).toMatch(/OCK-TEXT-001 at .*cannot be read/)
    expect(refused(model, '--score', file('bytes.txt', Uint8Array.of(97, 255)))).toMatch(/OCK-TEXT-001.*UTF-8/)
  }, 30_000)
})

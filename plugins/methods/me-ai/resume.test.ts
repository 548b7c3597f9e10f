import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ended, fileWith, folders, ockham, posteriorOf, start, temporary, until } from '../../../test/faults/command.js'
import { squareNet } from './testing.js'

const only = (out: string): string => folders(out)[0]!

/** Fits that the journal tells of. */
const fitted = (out: string): number => {
  const journal = folders(out)[0] && join(only(out), 'events.jsonl')
  if (!journal || !existsSync(journal)) return 0
  return [...readFileSync(journal, 'utf8').matchAll(/"type":"step","fold":"fits"/g)].length
}

interface Read {
  readonly values: Readonly<Record<string, number>>
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
}

const resultOf = (out: string): Read => JSON.parse(readFileSync(join(only(out), 'result.json'), 'utf8')) as Read

it('the protocol, killed between fits and within one, ends where an uninterrupted one does', async () => {
  const table = fileWith(squareNet(180), 'table.csv')
  const options = ['folds=3', 'seeds=2', 'of.coarse=60', 'of.starts=2', 'of.steps=15'].flatMap((o) => ['--set', `inference.${o}`])
  const call = (out: string): string[] => ['run', 'docs/examples/me-ai.yaml', '--set', `dataset.file=${table}`, ...options, '--out', out]
  const whole = temporary()
  expect(ockham(...call(whole)).status).toBe(0)
  const { values, tables } = resultOf(whole)
  expect(values['test/accuracy']).toBeGreaterThan(0.8)
  expect(tables['correlation']!.length).toBe(12 * 11)
  expect(tables['descriptors']![0]).toMatchObject({ descriptor: 'd_sq / d_nn', a: 'd_sq', b: 'd_nn' })

  const out = temporary()
  let child = start(...call(out))
  for (const fits of [2, 4]) {
    await until(child, () => fitted(out) >= fits)
    child.kill('SIGKILL')
    await ended(child)
    expect(existsSync(join(only(out), 'result.json'))).toBe(false)
    child = start('resume', only(out))
  }
  expect(await ended(child)).toBe(0)
  expect(posteriorOf(only(out)).equals(posteriorOf(only(whole)))).toBe(true)
  expect(resultOf(out).tables).toEqual(tables)
}, 120_000)

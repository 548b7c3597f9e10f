import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Recorded, RunEvent } from 'ockham'
import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { diskStore, journal, readHistory, readJournal, writeDurably } from './index.js'

const at = (event: RunEvent): Recorded => ({ ...event, time: '2026-01-01T00:00:00.000Z', path: ['inference'] })
const step = (n: number, of = 10): Recorded => at({ type: 'step', fold: 'descend', step: n, of, values: { loss: 1 / (n + 1) } })

const record = async (folder: string, heard: readonly Recorded[]) => {
  const events = new Subject<Recorded>()
  const { flush } = journal().attach({ id: 'x', spec: {}, events, folder })
  for (const event of heard) events.next(event)
  await flush()
  events.complete()
}

describe('journal', () => {
  it('appends events in order and recovers from a torn last line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'journal-'))
    await record(folder, [step(0), step(1)])
    appendFileSync(join(folder, 'events.jsonl'), '{"type":"step","fo')
    expect(readJournal(folder)).toEqual([step(0), step(1)])
    await record(folder, [step(2)])
    expect(readJournal(folder)).toEqual([step(0), step(1), step(2)])
  })

  it('gives the history of one uninterrupted run after a resume', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'journal-'))
    await record(folder, [step(0), step(1), step(2), at({ type: 'resumed', fold: 'descend', step: 1 }), step(1), step(2), step(3)])
    expect(readHistory(folder).flatMap((e) => (e.type === 'step' ? [e.step] : []))).toEqual([0, 1, 2, 3])
  })

  it('keeps about two thousand steps of a long fold, the last among them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'journal-'))
    await record(
      folder,
      Array.from({ length: 50_000 }, (_, i) => step(i, 50_000)),
    )
    const steps = readJournal(folder)
    expect(steps.length).toBeLessThanOrEqual(2001)
    expect(steps.at(-1)).toEqual(step(49_999, 50_000))
  })
})

describe('diskStore', () => {
  it('gives back what was written, and nothing for what was not', async () => {
    const store = diskStore(mkdtempSync(join(tmpdir(), 'store-')))
    const stored = {
      values: { 'carry.w': { shape: [2], dtype: 'float32' as const, data: Float32Array.of(1, -0) } },
      meta: { step: 3, done: false },
    }
    await store.write('inference/member 1/descend.fold', stored)
    expect(await store.read('inference/member 1/descend.fold')).toEqual(stored)
    expect(await store.read('nothing')).toBeUndefined()
  })

  it('replaces files whole', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'durable-')), 'a', 'b.txt')
    writeDurably(file, 'one')
    writeDurably(file, 'two')
    expect(readFileSync(file, 'utf8')).toBe('two')
  })
})

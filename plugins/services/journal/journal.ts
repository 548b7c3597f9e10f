import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Recorded, Tracker } from 'ockham'

/** Step events kept a fold: beyond, every n-th, so that a journal does not grow with the number of steps. */
const stepsKept = 2000

const kept = (event: Recorded): boolean =>
  event.type !== 'step' || event.step % Math.ceil(event.of / stepsKept) === 0 || event.step === event.of - 1

/** Events of a journal in order; a torn last line is left out. */
export function readJournal(folder: string): Recorded[] {
  const file = join(folder, 'events.jsonl')
  if (!existsSync(file)) return []
  return wholeLines(readFileSync(file, 'utf8')).map((line) => JSON.parse(line) as Recorded)
}

/** Events as one uninterrupted run would have made them: what a resumed fold did twice is there once. */
export function readHistory(folder: string): Recorded[] {
  const history: Recorded[] = []
  for (const event of readJournal(folder)) {
    if (event.type === 'resumed') {
      const again = (e: Recorded) =>
        e.type === 'step' && e.fold === event.fold && e.step >= event.step && e.path.join('/') === event.path.join('/')
      for (let i = history.length - 1; i >= 0; i--) if (again(history[i]!)) history.splice(i, 1)
    }
    history.push(event)
  }
  return history
}

const wholeLines = (text: string): string[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')

/** Cuts a line that a kill tore. */
function repair(file: string): void {
  if (!existsSync(file)) return
  const bytes = readFileSync(file)
  const end = bytes.lastIndexOf(10) + 1
  if (end < bytes.length) truncateSync(file, end)
}

/** Appends every event to `events.jsonl` of the run's folder, an object a line with `type` and `time`. */
export const journal = (): Tracker => ({
  attach({ events, folder }) {
    if (folder === undefined) return { flush: () => Promise.resolve() }
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'events.jsonl')
    repair(file)
    const descriptor = openSync(file, 'a')
    let pending = ''
    let open = true
    const write = (sync: boolean) => {
      if (!open) return
      if (pending !== '') writeSync(descriptor, pending)
      pending = ''
      if (sync) fsyncSync(descriptor)
    }
    const close = () => {
      write(true)
      open = false
      closeSync(descriptor)
    }
    events.subscribe({
      next(event) {
        if (!kept(event)) return
        pending += `${JSON.stringify(event)}\n`
        // Steps come by the thousand: they are written together, everything else at once.
        if (event.type !== 'step' || pending.length > 1 << 14) write(event.type === 'checkpoint' || event.type === 'run.finished')
      },
      complete: close,
    })
    return {
      flush() {
        write(true)
        return Promise.resolve()
      },
    }
  },
})

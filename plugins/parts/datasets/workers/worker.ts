import { parentPort } from 'node:worker_threads'
import { OckhamError } from 'ockham'
import { changed } from './changed.js'
import { load } from './load.js'
import type { Answer, Asked, Task } from './messages.js'

const port = parentPort!

async function answer(task: Task): Promise<{ result: unknown; transfer: ArrayBuffer[] }> {
  if (task.type === 'load') {
    await load(task.loading)
    return { result: undefined, transfer: [] }
  }
  const value = changed(task.field, task.rows, task.reading)
  return { result: value, transfer: [value.data.buffer as ArrayBuffer] }
}

port.on('message', ({ ticket, task }: Asked) => {
  const say = (word: Answer, transfer: ArrayBuffer[] = []): void => port.postMessage(word, transfer)
  answer(task).then(
    ({ result, transfer }) => say({ ticket, result }, transfer),
    (error: unknown) =>
      say(
        error instanceof OckhamError
          ? { ticket, faults: error.problems }
          : { ticket, failed: error instanceof Error ? error.message : String(error) },
      ),
  )
})
port.postMessage({ ready: true } satisfies Answer)

import { rmSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { facts } from './facts.js'
import { Keeper } from './keeper.js'
import type { Order, Setup, Word } from './messages.js'
import { Sender } from './sender.js'
import { Spool } from './spool.js'
import { Meter } from './meter.js'

const { options, taken } = workerData as Setup
const counter = new Int32Array(taken)
const port = parentPort!
const say = (word: Word): void => port.postMessage(word)

/** Runs that go on, and folders that the server may not have all of. */
const keepers = new Map<string, Keeper>()
const pending = new Set<string>()
/** Folders that are there for the spool alone. */
const made = new Set<string>()
const sender = new Sender(options.uri === undefined ? {} : { uri: options.uri }, (folder, code, message) =>
  say({ type: 'warning', folder, code, message }),
)
const meter = new Meter()

/** Set where an ended run was left to `ockham sync`. */
let left = false

/** Makes a folder's spool this writer's. */
const take = (folder: string): Spool => {
  const spool = new Spool(folder)
  if (!pending.has(folder)) spool.hold()
  pending.add(folder)
  return spool
}

const release = (folder: string): void => {
  pending.delete(folder)
  sender.forget(folder)
  new Spool(folder).release()
}

/**
 * Lets go of ended runs that the server has. One that ended is let go of before it is closed: whoever resumes it, in this process too, has
 * its spool alone.
 */
const settle = (folders: Iterable<string>): void => {
  for (const folder of folders) {
    const keeper = keepers.get(folder)
    if (!pending.has(folder) || keeper?.active || sender.delivery(folder).waiting > 0) continue
    release(folder)
    if (!keeper && made.delete(folder)) rmSync(folder, { recursive: true, force: true })
  }
}

/** Delivers what waits, once a turn; deliveries that take longer are not piled up. */
let under = false
async function deliver(): Promise<void> {
  if (under) return
  under = true
  try {
    const folders = [...pending]
    if (await sender.try(folders)) settle(folders)
  } finally {
    under = false
  }
}
setInterval(() => void deliver(), options.interval * 1000).unref()

if (options.system > 0)
  setInterval(() => {
    const machine = meter.read()
    for (const keeper of keepers.values()) if (keeper.active) keeper.sample({ ...machine, ...keeper.speed() })
  }, options.system * 1000).unref()

async function flush({ ticket, deliver: all }: Extract<Order, { type: 'flush' }>): Promise<void> {
  const folders = all ? [...pending] : []
  const done = await sender.finish(folders, options.patience)
  if (done) settle(folders)
  else left = true
  say({ type: 'flushed', ticket, done, ...(sender.failed && !done ? { reason: sender.failed.message } : {}) })
}

/** One order at a time, as they came: what a flush answers for was taken in before. */
function obey(order: Order): void {
  const { folder } = order
  switch (order.type) {
    case 'start': {
      const { start } = order
      const spool = take(folder)
      if (!start.own) made.add(folder)
      keepers.set(folder, new Keeper(spool, { ...start, tags: { ...facts(order.script), ...start.tags } }, options))
      return void deliver()
    }
    case 'events':
      Atomics.add(counter, 0, order.steps)
      if (keepers.has(folder)) take(folder)
      return keepers.get(folder)?.take(order.items)
    case 'flush':
      return void flush(order)
    case 'close':
      keepers.delete(folder)
      if (made.has(folder)) pending.add(folder)
      if (!left || keepers.size > 0) return void deliver()
      for (const ended of pending) release(ended)
      left = false
  }
}

port.on('message', (order: Order) => {
  try {
    obey(order)
  } catch (error) {
    say({ type: 'warning', folder: order.folder, code: 'OCK-MLFLOW-020', message: `the MLflow writer failed: ${String(error)}` })
  }
})

import { SingleBar } from 'cli-progress'
import type { Recorded } from 'ockham'
import type { Observable } from 'rxjs'
import { sayAbove, sayNumber } from './print.js'

/** Seconds between two plain progress lines of one fold. */
const lineSeconds = 5

const number = (x: number): string => (Number.isFinite(x) ? (Math.abs(x) >= 1000 ? x.toFixed(0) : x.toPrecision(4)) : String(x))
const pairs = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([n, v]) => `${n} ${number(v)}`)
    .join('  ')

/** Shows a run as it goes, on standard error: a bar on a terminal, plain lines elsewhere. */
export function showProgress(events: Observable<Recorded>, label: string, stream: NodeJS.WriteStream = process.stderr): void {
  const show = stream.isTTY ? terminal(label, stream) : lines(label, stream)
  events.subscribe({ next: show.event, complete: show.end })
}

interface Shown {
  event(event: Recorded): void
  end(): void
}

function say(event: Recorded): string | undefined {
  switch (event.type) {
    case 'resumed':
      return `resumes ${event.fold} at step ${event.step}`
    case 'epoch':
      return `epoch ${event.epoch}  ${pairs(event.values)}`
    case 'evaluation':
      return `${event.name}  ${pairs(event.values)}`
    case 'certificate':
      return `${event.certificate.bound}: ${event.certificate.quantity} ≤ ${sayAbove(event.certificate.value)} with confidence ${sayNumber(event.certificate.confidence)}`
    case 'warning':
      return `warning ${event.code}: ${event.message}`
    case 'run.failed':
      return `failed: ${event.message}`
    default:
      return undefined
  }
}

function lines(label: string, stream: NodeJS.WriteStream): Shown {
  let last = -Infinity
  const seldom = () => {
    const now = performance.now()
    if (now - last < lineSeconds * 1000) return false
    last = now
    return true
  }
  return {
    event(event) {
      const often = event.type === 'step' || event.type === 'epoch'
      if (often && !(event.type === 'step' && event.step === event.of - 1) && !seldom()) return
      const text = event.type === 'step' ? `${event.fold} ${event.step + 1}/${event.of}  ${pairs(event.values)}` : say(event)
      if (text !== undefined) stream.write(`${label}: ${text}\n`)
    },
    end: () => undefined,
  }
}

function terminal(label: string, stream: NodeJS.WriteStream): Shown {
  let bar: SingleBar | undefined
  const stop = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    event(event) {
      const text = say(event)
      if (text !== undefined && event.type !== 'epoch') {
        stop()
        stream.write(`${label}: ${text}\n`)
      }
      if (event.type !== 'step') return
      if (!bar) {
        bar = new SingleBar({
          format: `${label}: {fold} {bar} {value}/{total}  {eta_formatted} left  {values}`,
          stream,
          hideCursor: true,
          etaBuffer: 200,
        })
        bar.start(event.of, event.step, { fold: event.fold, values: '' })
      }
      bar.update(event.step + 1, { fold: event.fold, values: pairs(event.values) })
      if (event.step === event.of - 1) stop()
    },
    end: stop,
  }
}

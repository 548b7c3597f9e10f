import { filter, map, type Observable } from 'rxjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createBus, type Recorded } from 'ockham'

const heard = (events: Observable<Recorded>): Recorded[] => {
  const all: Recorded[] = []
  events.subscribe((e) => all.push(e))
  return all
}
const epoch = (n: number) => ({ type: 'epoch', epoch: n, values: {} }) as const
const boom = (): never => {
  throw new Error('boom')
}
const warning = { type: 'warning', code: 'OCK-EVENT-001', message: 'a listener threw and is detached: boom' }

afterEach(() => vi.useRealTimers())

describe('the bus', () => {
  it('fixes time and path when an event is recorded', () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 6) })
    const bus = createBus()
    const all = heard(bus.events)
    const path = ['inference', 'member 1']
    bus.emit(epoch(1), path)
    path.push('later')
    expect(all).toEqual([{ ...epoch(1), time: '2026-01-02T03:04:05.006Z', path: ['inference', 'member 1'] }])
    expect(Object.isFrozen(all[0])).toBe(true)
  })

  it('reports a listener that throws, detaches it, and goes on for the others', () => {
    const bus = createBus()
    const before = heard(bus.events)
    const throwing = vi.fn(boom)
    const subscription = bus.events.subscribe(throwing)
    const after = heard(bus.events)
    bus.emit(epoch(1))
    bus.emit(epoch(2))
    expect(throwing).toHaveBeenCalledTimes(1)
    expect(subscription.closed).toBe(true)
    for (const all of [before, after]) expect(all).toMatchObject([epoch(1), warning, epoch(2)])
  })

  it.each<[string, (events: Observable<Recorded>) => void]>([
    ['an observer', (events) => void events.subscribe({ next: boom })],
    ['behind an operator', (events) => void events.pipe(filter((e) => e.type === 'epoch')).subscribe(boom)],
    ['an operator', (events) => void events.pipe(map(boom)).subscribe()],
  ])('isolates %s', (_, attach) => {
    const bus = createBus()
    attach(bus.events)
    const all = heard(bus.events)
    for (let i = 0; i < 3; i++) bus.emit(epoch(i))
    expect(all).toMatchObject([epoch(0), warning, epoch(1), epoch(2)])
  })

  it('tells the host where nobody else listens', () => {
    const unheard = vi.fn()
    const bus = createBus(unheard)
    bus.events.subscribe(boom)
    bus.emit(epoch(1))
    expect(unheard).toHaveBeenCalledWith('OCK-EVENT-001: a listener threw and is detached: boom')
  })

  it('hands events that listeners emit to all in one order', () => {
    const bus = createBus()
    bus.events.subscribe((e) => e.type === 'epoch' && e.epoch === 1 && bus.emit(epoch(2)))
    const all = heard(bus.events)
    bus.emit(epoch(1))
    expect(all).toMatchObject([epoch(1), epoch(2)])
  })

  it('completes at close and drops what comes after', () => {
    const bus = createBus()
    const complete = vi.fn()
    const all = heard(bus.events)
    bus.events.subscribe({ complete })
    bus.close()
    bus.emit(epoch(1))
    expect(complete).toHaveBeenCalledTimes(1)
    expect(all).toEqual([])
  })
})

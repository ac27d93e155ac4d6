import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Stay } from '../src/stay'

const place = { character: 'einstein', scene: 'study', room: '' }
const kept = new Map<string, string>()
let held: boolean

beforeEach(() => {
  kept.clear()
  held = false
  vi.useFakeTimers()
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  })
  vi.stubGlobal('navigator', {
    locks: {
      request: (_: string, __: object, work: (lock: object | null) => unknown) => {
        const lock = held ? null : {}
        held = true
        return work(lock)
      },
    },
  })
})

async function claimed(): Promise<Stay> {
  const stay = await Stay.claim()
  if (!stay) throw new Error('no stay')
  return stay
}

describe('Stay', () => {
  it('gives the token back to the same place until its time is over', async () => {
    const stay = await claimed()
    expect(stay.waiting(place)).toBe('')
    stay.keep(place, 'secret', 30)
    expect(stay.waiting(place)).toBe('secret')
    expect(stay.waiting({ ...place, character: 'curie' })).toBe('')
    expect(stay.waiting({ ...place, room: 'salon' })).toBe('')
    vi.advanceTimersByTime(29_000)
    stay.renew(30)
    vi.advanceTimersByTime(29_000)
    expect(stay.waiting(place)).toBe('secret')
    vi.advanceTimersByTime(2_000)
    expect(stay.waiting(place)).toBe('')
  })

  it('forgets a stay that was left', async () => {
    const stay = await claimed()
    stay.keep(place, 'secret', 30)
    stay.forget()
    stay.renew(30)
    expect(stay.waiting(place)).toBe('')
    expect(kept.size).toBe(0)
  })

  it('belongs to one tab', async () => {
    await claimed()
    expect(await Stay.claim()).toBeNull()
  })

  it('takes damaged notes for none', async () => {
    const stay = await claimed()
    for (const text of ['{', '[]', '7', '{"resume":7,"until":"x"}', 'null']) {
      kept.set('likeness.stay', text)
      expect(stay.waiting(place)).toBe('')
    }
  })
})

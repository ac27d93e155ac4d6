import { describe, expect, it } from 'vitest'
import { ArrivalClock } from '../src/clock/arrival'
import { RtpClock } from '../src/clock/rtp'
import { SteadyLine } from '../src/clock/steady'

/** A repeatable random source, 0..1. */
function lcg(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe('a steady line', () => {
  it('runs through noisy readings without their noise', () => {
    const line = new SteadyLine()
    const random = lcg(7)
    let worst = 0
    let last = Number.NaN
    for (let t = 0; t < 20_000; t += 20) {
      line.observe(t * 48 + (random() - 0.5) * 20 * 48, t)
      if (t > 5000) {
        worst = Math.max(worst, Math.abs(line.at(t) - t * 48) / 48)
        expect(line.at(t)).toBeGreaterThan(last)
      }
      last = line.at(t)
    }
    expect(worst).toBeLessThan(6)
  })

  it('follows a drifting device clock', () => {
    const line = new SteadyLine()
    const rate = 48 * 1.0001
    for (let t = 0; t < 60_000; t += 20) line.observe(t * rate, t)
    expect(Math.abs(line.at(60_000) - 60_000 * rate) / 48).toBeLessThan(2)
  })

  it('lets one far reading pass and follows three', () => {
    const line = new SteadyLine()
    for (let t = 0; t <= 1000; t += 20) line.observe(t * 48, t)
    line.observe(1020 * 48 + 48_000, 1020)
    expect(line.at(1040)).toBeCloseTo(1040 * 48, -2)
    for (const t of [1040, 1060, 1080]) line.observe(t * 48 + 48_000, t)
    expect(line.at(1100)).toBeCloseTo(1100 * 48 + 48_000, -2)
  })
})

describe('the RTP clock', () => {
  it('maps RTP timestamps to samples across their wrap', () => {
    const clock = new RtpClock()
    expect(clock.sampleOf(5)).toBeNaN()
    clock.setMap({ avatar: 1, mid: '0', rtpTimestamp: 0xffffff00, sample: 1_000_000 })
    expect(clock.sampleOf(0xffffff00 + 100)).toBe(1_000_100)
    expect(clock.sampleOf(44)).toBe(1_000_300)
    expect(clock.sampleOf(0xfffffe00)).toBe(1_000_000 - 256)
  })

  it('hears a packet when it leaves the device, not when it enters', () => {
    const clock = new RtpClock()
    clock.setMap({ avatar: 1, mid: '0', rtpTimestamp: 0, sample: 0 })
    clock.outputLatencyMs = 25
    for (let t = 0; t < 2000; t += 20) clock.observe({ rtpTimestamp: t * 48, timestamp: 500 + t })
    expect(clock.heardAt(2500)).toBeCloseTo((2000 - 25) * 48, -1)
  })

  it('stands still where the sound has stalled', () => {
    const clock = new RtpClock()
    clock.setMap({ avatar: 1, mid: '0', rtpTimestamp: 0, sample: 0 })
    for (let t = 0; t < 2000; t += 20) clock.observe({ rtpTimestamp: t * 48, timestamp: t })
    expect(clock.heardAt(9000)).toBe(clock.heardAt(5000))
    expect(clock.heardAt(9000) / 48).toBeLessThan(2200)
  })

  it('knows nothing before the server has said how RTP time maps', () => {
    const clock = new RtpClock()
    clock.observe({ rtpTimestamp: 1, timestamp: 1 })
    expect(clock.heardAt(10)).toBeNaN()
  })
})

describe('the arrival clock', () => {
  it('hears frames the server’s lead after they arrive', () => {
    const clock = new ArrivalClock()
    for (let i = 0; i < 300; i++) clock.observe(i * 800, i * (1000 / 60))
    expect((300 * 800 - clock.heardAt(5000)) / 48).toBeCloseTo(60, 0)
  })
})

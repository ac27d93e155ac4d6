import { describe, expect, it } from 'vitest'
import { MotionTrack, REST_AFTER_MS } from '../src/motion/track'
import type { MotionFrame } from '../src/wire/packet'

const STEP = 800
const ms = (index: number): number => (index * 1000) / 60

function frame(index: number, jaw: number, more: Partial<MotionFrame> = {}): MotionFrame {
  return {
    avatar: 1,
    epoch: 0,
    driver: 1,
    sequence: index,
    sample: index * STEP,
    voiced: true,
    tracked: false,
    end: false,
    eyelids: [0, 0],
    jaw: [jaw, 0, 0],
    neck: [0, 0, 0],
    eyes: [0, 0, 0, 0],
    headRotation: [0, 0, 0],
    headTranslation: [0, 0, 0],
    expression: Float32Array.of(jaw),
    hands: null,
    bytes: new Uint8Array(),
    ...more,
  }
}

/** Draws at 60 pictures a second from sample `from`; returns the jaw of each picture. */
function play(track: MotionTrack, from: number, pictures: number, startMs: number): number[] {
  return Array.from(
    { length: pictures },
    (_, i) => track.faceAt(from + i * STEP, startMs + (i * 1000) / 60).jaw[0],
  )
}

/** A track that has woken up: fully alive at sample `upTo * STEP`. */
function awake(upTo: number, jaw = 0.1): MotionTrack {
  const track = new MotionTrack(1)
  for (let i = 0; i <= upTo; i++) {
    track.push(frame(i, jaw), ms(i))
    track.faceAt(i * STEP, ms(i))
  }
  return track
}

describe('a motion track', () => {
  it('draws between two frames what lies between them', () => {
    const track = awake(60)
    track.push(frame(61, 0.3), ms(60))
    const face = track.faceAt(60.5 * STEP, 60.5 * (1000 / 60))
    expect(face.jaw[0]).toBeCloseTo(0.2, 3)
    expect(track.drawn).toBeCloseTo(60.5 * STEP)
  })

  it('puts frames that come in the wrong order where they belong', () => {
    const track = awake(60)
    for (const index of [63, 61, 62]) expect(track.push(frame(index, index / 1000), ms(60))).toBe('kept')
    for (const index of [61, 62, 63]) {
      expect(track.faceAt(index * STEP, index * (1000 / 60)).jaw[0]).toBeCloseTo(index / 1000, 4)
    }
    expect(track.push(frame(63, 0), ms(63))).toBe('duplicate')
  })

  it('stays alive with every fifth frame lost, and never moves by more than the motion does', () => {
    const track = awake(0)
    const jaws: number[] = []
    for (let i = 1; i < 600; i++) {
      if (i % 5 !== 0) track.push(frame(i + 4, 0.1 + 0.1 * Math.sin((i + 4) / 6)), ms(i))
      jaws.push(track.faceAt(i * STEP, i * (1000 / 60)).jaw[0])
    }
    const steady = jaws.slice(120)
    const steps = steady.slice(1).map((jaw, i) => Math.abs(jaw - (steady[i] ?? 0)))
    expect(Math.max(...steps)).toBeLessThan(0.025)
    expect(Math.max(...steady)).toBeGreaterThan(0.19)
    expect(track.rest).toBe(0)
  })

  it('never freezes open-mouthed: without motion it is at rest within half a second', () => {
    const track = awake(60, 0.25)
    const jaws = play(track, 60 * STEP, 60, 1000)
    const at = (ms: number): number => jaws[Math.round(ms / (1000 / 60))] ?? Number.NaN
    expect(at(REST_AFTER_MS - 20)).toBeCloseTo(0.25, 3)
    expect(at(REST_AFTER_MS + 350)).toBeLessThan(0.02)
  })

  it('does not mistake a slow machine for a stream that stopped', () => {
    const track = awake(60, 0.25)
    // Frames keep coming, but what is heard is already beyond the newest of them.
    for (let i = 61; i < 90; i++) {
      track.push(frame(i, 0.25), ms(i))
      track.faceAt((i + 30) * STEP, ms(i))
    }
    expect(track.rest).toBe(0)
  })

  it('comes back to life when motion returns', () => {
    const track = awake(60, 0.2)
    play(track, 60 * STEP, 60, 1000)
    for (let i = 120; i < 180; i++) {
      track.push(frame(i, 0.2), ms(i))
      track.faceAt(i * STEP, (i * 1000) / 60)
    }
    expect(track.faceAt(179 * STEP, 3000).jaw[0]).toBeCloseTo(0.2, 2)
  })

  it('closes the mouth at once when stopped, before the server knows', () => {
    const track = awake(60, 0.25)
    for (let i = 61; i < 120; i++) track.push(frame(i, 0.25), ms(60))
    expect(track.stop(60 * STEP)).toBe(1)
    const jaws = play(track, 60 * STEP, 30, 1000)
    expect(jaws[12] ?? 1).toBeLessThan(0.02)
  })

  it('drops frames of the epoch that was stopped, and takes those of the new one', () => {
    const track = awake(60)
    track.stop(60 * STEP)
    expect(track.push(frame(61, 0.3), ms(61))).toBe('old-epoch')
    expect(track.push(frame(66, 0, { epoch: 1 }), ms(66))).toBe('kept')
    expect(track.epoch).toBe(1)
  })

  it('forgets what an older epoch still had to say when the server stops it', () => {
    const track = awake(60)
    for (let i = 61; i < 90; i++) track.push(frame(i, 0.3), ms(60))
    track.push(frame(65, 0, { epoch: 1 }), ms(61))
    expect(track.newest).toBe(65 * STEP)
  })

  it('counts epochs round the corner', () => {
    const track = new MotionTrack(1)
    track.push(frame(0, 0, { epoch: 65535 }), 0)
    expect(track.push(frame(1, 0, { epoch: 0 }), 16)).toBe('kept')
    expect(track.push(frame(2, 0, { epoch: 65535 }), 33)).toBe('old-epoch')
  })

  it('keeps a bounded number of frames however many come', () => {
    const track = new MotionTrack(1)
    for (let i = 0; i < 5000; i++) track.push(frame(i, 0.1), ms(i))
    track.faceAt(4700 * STEP, 0)
    expect(track.drawn).toBeGreaterThanOrEqual(4640 * STEP)
  })

  it('is at rest before anything is known', () => {
    expect(new MotionTrack(3).faceAt(Number.NaN, 0).expression).toEqual(new Float32Array(3))
  })
})

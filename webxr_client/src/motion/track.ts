import { isNewer, type MotionFrame } from '../wire/packet'
import { type Face, interpolate, relax, restFace } from './face'

/** Without motion for this long the face eases to rest: it never freezes open-mouthed. */
export const REST_AFTER_MS = 150

const EASE_OUT_MS = 120
const EASE_IN_MS = 60
const STOP_EASE_MS = 50
const CAPACITY = 360

export type Verdict = 'kept' | 'duplicate' | 'old-epoch' | 'too-late'

/**
 * One avatar's jitter buffer on the media clock. Frames come in any order, some never; `faceAt` gives the
 * face of the sample that is being heard.
 */
export class MotionTrack {
  readonly components: number
  readonly #frames: MotionFrame[] = []
  readonly #face: Face
  #epoch: number | null = null
  #stopped = false
  #rest = 1
  #lastMs: number | null = null
  #arrivedMs = Number.NEGATIVE_INFINITY
  #drawn = Number.NaN
  #live: MotionFrame | null = null

  constructor(components: number) {
    this.components = components
    this.#face = restFace(components)
  }

  /** The newest stop epoch seen. */
  get epoch(): number {
    return this.#epoch ?? 0
  }

  /** Sample of the newest frame; NaN before the first. */
  get newest(): number {
    return this.#frames.at(-1)?.sample ?? Number.NaN
  }

  /** Sample that the face of the last `faceAt` shows; NaN before the first. */
  get drawn(): number {
    return this.#drawn
  }

  /** 0: alive, 1: at rest. */
  get rest(): number {
    return this.#rest
  }

  /** The frame that the last `faceAt` started from: its flags say whether the voice sounds. */
  get live(): MotionFrame | null {
    return this.#live
  }

  /** Takes a frame that arrived at `nowMs`. */
  push(frame: MotionFrame, nowMs: number): Verdict {
    if (this.#epoch === null) this.#epoch = frame.epoch
    else if (isNewer(this.#epoch, frame.epoch)) return 'old-epoch'
    else if (isNewer(frame.epoch, this.#epoch)) {
      // The server stopped: what the older epoch still had to say is void.
      this.#epoch = frame.epoch
      this.#cut(frame.sample)
    }
    if (frame.epoch === this.#epoch) this.#stopped = false
    this.#arrivedMs = Math.max(this.#arrivedMs, nowMs)
    const frames = this.#frames
    let at = frames.length
    while (at > 0 && (frames[at - 1] as MotionFrame).sample > frame.sample) at--
    if (at > 0 && (frames[at - 1] as MotionFrame).sample === frame.sample) return 'duplicate'
    if (at === 0 && frames.length > 0 && frame.sample < this.#drawn) return 'too-late'
    frames.splice(at, 0, frame)
    if (frames.length > CAPACITY) frames.shift()
    return 'kept'
  }

  /** Stops at once, before the server knows. Returns the new epoch, for the order to the server. */
  stop(heard: number): number {
    this.#epoch = (this.epoch + 1) & 0xffff
    this.#stopped = true
    this.#cut(Number.isFinite(heard) ? heard : -1)
    return this.#epoch
  }

  /** The face for sample `heard`, drawn at `nowMs`. The result is reused by the next call. */
  faceAt(heard: number, nowMs: number): Face {
    const elapsed = this.#lastMs === null ? 1e9 : Math.max(nowMs - this.#lastMs, 0)
    this.#lastMs = nowMs
    const frames = this.#frames
    if (Number.isFinite(heard) && frames.length > 0) {
      this.#forget(heard)
      const a = frames[0] as MotionFrame
      const b = frames[1]
      this.#live = a
      if (b === undefined || heard <= a.sample) {
        interpolate(a, a, 0, this.#face)
        this.#drawn = a.sample
      } else {
        // Beyond two lost frames in a row a straight line is still better than a held pose.
        const t = Math.min((heard - a.sample) / (b.sample - a.sample), 1)
        interpolate(a, b, t, this.#face)
        this.#drawn = a.sample + t * (b.sample - a.sample)
      }
    }
    this.#ease(heard, nowMs, elapsed)
    relax(this.#face, this.#rest)
    return this.#face
  }

  #ease(heard: number, nowMs: number, elapsedMs: number): void {
    // Judged by arrival: a slow machine that draws late is not a stream that stopped.
    const dry = !(heard <= this.newest)
    const stale = this.#stopped || (dry && nowMs - this.#arrivedMs > REST_AFTER_MS)
    const time = this.#stopped ? STOP_EASE_MS : stale ? EASE_OUT_MS : EASE_IN_MS
    const step = 1 - Math.exp(-elapsedMs / time)
    this.#rest += ((stale ? 1 : 0) - this.#rest) * step
    if (this.#rest < 1e-3) this.#rest = 0
  }

  /** Drops what is over: the first kept frame is the last one at or before `heard`. */
  #forget(heard: number): void {
    const frames = this.#frames
    let first = 0
    while (first + 1 < frames.length && (frames[first + 1] as MotionFrame).sample <= heard) first++
    if (first > 0) frames.splice(0, first)
  }

  #cut(sample: number): void {
    const frames = this.#frames
    let keep = frames.length
    while (keep > 1 && (frames[keep - 1] as MotionFrame).sample > sample) keep--
    frames.length = keep
  }
}

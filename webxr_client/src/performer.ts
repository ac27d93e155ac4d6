import { ArrivalClock } from './clock/arrival'
import type { HeardClock } from './clock/clock'
import type { Face } from './motion/face'
import { MotionTrack, type Verdict } from './motion/track'
import type { Mouth } from './sound/mouth'
import type { VoiceOut } from './sound/voice'
import { SealCheck, type Trust } from './trust/seal-check'
import type { GeneratedTag, Seal, StreamHeader } from './wire/messages'
import { decodeFrame, type MotionFrame } from './wire/packet'

/** Sound of a stopped epoch is kept silent at most this long, should no newer frame ever come. */
const SILENCE_LIMIT_MS = 1500

/** A sound that stands still for so long is not forwarded any more: the face goes on by its own clock. */
const VOICE_GONE = 48_000

/** One avatar of the room on this side of the wire: its motion, its voice, its clock and its seals. */
export class Performer {
  header: StreamHeader
  tag: GeneratedTag
  readonly seals: Trust
  track: MotionTrack
  voice: VoiceOut | null = null
  /** Where its voice sounds from; null: from nowhere in particular, as one's own does. */
  readonly mouth: Mouth | null
  readonly #arrival = new ArrivalClock()
  readonly #check: SealCheck | null
  #silencedMs: number | null = null
  #soundFrom = Number.NaN

  /** `seals`: what proves its frames; a live stream's seals come one by one and are checked as they come. */
  constructor(header: StreamHeader, seals: SealCheck | Trust, mouth: Mouth | null = null) {
    this.header = header
    this.tag = header.tag
    this.track = new MotionTrack(header.components.length)
    this.seals = seals
    this.mouth = mouth
    this.#check = seals instanceof SealCheck ? seals : null
  }

  /** The clock in charge: the voice's as soon as it knows, the arrival of motion until then. */
  get clock(): HeardClock {
    return this.voice && this.#voiceRuns(performance.now()) ? this.voice.clock : this.#arrival
  }

  heardAt(nowMs: number): number {
    return this.voice && this.#voiceRuns(nowMs)
      ? this.voice.clock.heardAt(nowMs)
      : this.#arrival.heardAt(nowMs)
  }

  #voiceRuns(nowMs: number): boolean {
    const byVoice = this.voice?.clock.heardAt(nowMs) ?? Number.NaN
    if (!Number.isFinite(byVoice)) return false
    const byArrival = this.#arrival.heardAt(nowMs)
    return !Number.isFinite(byArrival) || byArrival - byVoice < VOICE_GONE
  }

  /** Takes a frame out of a datagram. Throws PacketError. */
  push(data: DataView, offset: number, nowMs: number): Verdict {
    const frame = decodeFrame(data, offset, this.header.scales)
    this.#check?.frame(frame.sequence, frame.bytes)
    const verdict = this.track.push(frame, nowMs)
    if (verdict === 'kept') {
      this.#arrival.observe(frame.sample, nowMs)
      // After a stop, the first frame of the new epoch says from which sample on sound is welcome again.
      if (this.#silencedMs !== null && frame.epoch === this.track.epoch && Number.isNaN(this.#soundFrom)) {
        this.#soundFrom = frame.sample
      }
    }
    return verdict
  }

  takeSeal(seal: Seal): void {
    this.#check?.seal(seal)
  }

  /** Takes a frame that was recorded. */
  pushFrame(frame: MotionFrame): void {
    this.track.push(frame, performance.now())
  }

  /** Forgets all motion: a recording begins again. */
  restart(): void {
    this.track = new MotionTrack(this.header.components.length)
  }

  /** The face to draw for what is heard at `dueMs`. */
  faceAt(dueMs: number): Face {
    const heard = this.heardAt(dueMs)
    if (this.#silencedMs !== null) {
      const over = heard >= this.#soundFrom || dueMs - this.#silencedMs > SILENCE_LIMIT_MS
      if (over) {
        this.#silencedMs = null
        this.#soundFrom = Number.NaN
        this.voice?.unsilence()
      }
    }
    return this.track.faceAt(heard, performance.now())
  }

  /** Stops face and sound at once; returns the epoch to tell the server. */
  stop(nowMs: number): number {
    this.#silencedMs = nowMs
    this.#soundFrom = Number.NaN
    this.voice?.silence()
    return this.track.stop(this.heardAt(nowMs))
  }

  /** A new connection carries on: whatever this side believed about epochs and arrival is void. */
  resync(header: StreamHeader): void {
    this.header = header
    this.tag = header.tag
    this.track = new MotionTrack(header.components.length)
    this.#check?.resync(header)
    this.#arrival.reset()
    this.#silencedMs = null
  }

  setVoice(voice: VoiceOut | null): void {
    this.voice?.close()
    this.voice = voice
    if (this.#silencedMs !== null) voice?.silence()
  }

  close(): void {
    this.setVoice(null)
    this.mouth?.close()
  }
}

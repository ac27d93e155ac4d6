import { outputLatencyMs } from '../sound/voice'
import type { HeardClock } from './clock'

/**
 * The clock of sound that the page schedules itself on an AudioContext: `anchor` says which sample starts at
 * which context time, the context's output timestamp says what reaches the device now.
 */
export class AudioClock implements HeardClock {
  readonly kind = 'audio'
  readonly #context: AudioContext
  readonly #delayMs: number
  #anchor: { sample: number; seconds: number } | null = null

  /** `delayMs`: what the audio graph adds between the schedule and the device. */
  constructor(context: AudioContext, delayMs = 0) {
    this.#context = context
    this.#delayMs = delayMs
  }

  /** Sample after the last one that is scheduled: nothing beyond it can be heard. */
  end = Number.POSITIVE_INFINITY

  setAnchor(sample: number, seconds: number): void {
    this.#anchor = { sample, seconds }
  }

  get anchored(): boolean {
    return this.#anchor !== null
  }

  heardAt(nowMs: number): number {
    if (!this.#anchor) return Number.NaN
    const seconds = this.#secondsAt(nowMs) - this.#delayMs / 1000 - this.#anchor.seconds
    const heard = this.#anchor.sample + seconds * 48_000
    return Math.min(heard, this.end)
  }

  #secondsAt(nowMs: number): number {
    const stamp = this.#context.getOutputTimestamp()
    if (stamp.contextTime !== undefined && stamp.performanceTime !== undefined && stamp.performanceTime > 0) {
      const age = nowMs - stamp.performanceTime
      // A stamp of long ago (a suspended context) says nothing about now.
      if (age < 2000) return stamp.contextTime + age / 1000
    }
    const since = nowMs - performance.now()
    return this.#context.currentTime + (since - outputLatencyMs(this.#context)) / 1000
  }
}

import type { RtpMap } from '../wire/messages'
import type { HeardClock } from './clock'
import { SteadyLine } from './steady'

/** Beyond the last packet that sounded the clock runs on for this long; then the sound itself has stalled. */
const STALL_MS = 120

/** What RTCRtpReceiver.getSynchronizationSources() gives of one source. */
export interface SyncSource {
  rtpTimestamp: number
  /** When that packet's sound was handed to playout: performance.now() milliseconds. */
  timestamp: number
}

/**
 * The clock of a WebRTC voice: the receiver says which RTP timestamp went to playout and when; the server's
 * RtpMap says which media sample that is; the device plays it `outputLatency` later.
 */
export class RtpClock implements HeardClock {
  readonly kind = 'rtp'
  readonly #line = new SteadyLine()
  #map: RtpMap | null = null
  #lastRtp: number | null = null
  #lastTimestamp = 0
  outputLatencyMs = 0

  setMap(map: RtpMap): void {
    this.#map = map
    this.#lastRtp = null
  }

  /** Sample of an RTP timestamp: timestamps wrap at 32 bits, so only the signed difference counts. */
  sampleOf(rtpTimestamp: number): number {
    if (this.#map === null) return Number.NaN
    return this.#map.sample + ((rtpTimestamp - this.#map.rtpTimestamp) | 0)
  }

  observe(source: SyncSource): void {
    if (this.#map === null) return
    if (source.rtpTimestamp === this.#lastRtp && source.timestamp === this.#lastTimestamp) return
    this.#lastRtp = source.rtpTimestamp
    this.#lastTimestamp = source.timestamp
    this.#line.observe(this.sampleOf(source.rtpTimestamp), source.timestamp)
  }

  heardAt(nowMs: number): number {
    return this.#line.at(Math.min(nowMs, this.#lastTimestamp + STALL_MS)) - this.outputLatencyMs * 48
  }

  reset(): void {
    this.#line.reset()
    this.#lastRtp = null
  }
}

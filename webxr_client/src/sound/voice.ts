import type { HeardClock } from '../clock/clock'

/** The sound of one avatar, and the clock that says what of it is being heard. */
export interface VoiceOut {
  readonly clock: HeardClock
  /** Loudness of what sounds now, rms 0..1. */
  level(): number
  /** Cuts the sound at once (stop). */
  silence(): void
  /** Lets it sound again. */
  unsilence(): void
  close(): void
}

/** Reads the loudness of an analyser into `buffer`. */
export function rms(analyser: AnalyserNode, buffer: Float32Array<ArrayBuffer>): number {
  analyser.getFloatTimeDomainData(buffer)
  let sum = 0
  for (const value of buffer) sum += value * value
  return Math.sqrt(sum / buffer.length)
}

/** Milliseconds between leaving the audio graph and the ear, as far as the browser knows. */
export function outputLatencyMs(context: AudioContext): number {
  const latency = context.outputLatency
  return Number.isFinite(latency) && latency > 0 ? latency * 1000 : (context.baseLatency || 0) * 1000
}

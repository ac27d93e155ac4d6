import { AudioClock } from '../clock/audio'
import { rms, type VoiceOut } from './voice'

/** A whole voice in memory, played from its beginning; its clock is the audio device's. */
export class TakeVoice implements VoiceOut {
  readonly clock: AudioClock
  readonly #context: AudioContext
  readonly #analyser: AnalyserNode
  readonly #samples: Float32Array<ArrayBuffer>
  readonly #scratch: Float32Array<ArrayBuffer>
  #node: AudioBufferSourceNode | null = null

  constructor(context: AudioContext, samples: Float32Array<ArrayBuffer>) {
    this.#context = context
    this.#samples = samples
    this.clock = new AudioClock(context)
    this.#analyser = context.createAnalyser()
    this.#analyser.fftSize = 1024
    this.#scratch = new Float32Array(this.#analyser.fftSize)
    this.#analyser.connect(context.destination)
  }

  /** Plays from the first sample. */
  play(): void {
    this.silence()
    const start = this.#context.currentTime + 0.08
    this.clock.setAnchor(0, start)
    if (this.#samples.length === 0) return
    const buffer = this.#context.createBuffer(1, this.#samples.length, 48_000)
    buffer.copyToChannel(this.#samples, 0)
    this.#node = this.#context.createBufferSource()
    this.#node.buffer = buffer
    this.#node.connect(this.#analyser)
    this.#node.start(start)
  }

  level(): number {
    return rms(this.#analyser, this.#scratch)
  }

  silence(): void {
    this.#node?.stop()
    this.#node?.disconnect()
    this.#node = null
  }

  unsilence(): void {
    // A take that was stopped is played again from its beginning, by `play`.
  }

  close(): void {
    this.silence()
    this.#analyser.disconnect()
  }
}

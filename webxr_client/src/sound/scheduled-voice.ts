import { AudioClock } from '../clock/audio'
import type { VoicePacket } from '../wire/packet'
import { OpusDecoder } from './opus'
import { EARS_MS, type Mouth } from './mouth'
import { rms, type VoiceOut } from './voice'

/** Sound waits this long before it plays, so that the network's jitter does not tear it. */
const MARGIN_S = 0.06
/** Sound that has piled up by more than this beyond the margin is skipped: fresh beats complete. */
const PILE_S = 0.25

/** A voice whose packets the page decodes and schedules itself: its clock is the audio device's own. */
export class ScheduledVoice implements VoiceOut {
  readonly clock: AudioClock
  readonly #context: AudioContext
  readonly #gain: GainNode
  readonly #analyser: AnalyserNode
  readonly #buffer: Float32Array<ArrayBuffer>
  readonly #opus: OpusDecoder
  readonly #playing = new Set<AudioBufferSourceNode>()
  #anchor: { sample: number; seconds: number } | null = null
  #next = -1

  /** It sounds from `mouth`, or from nowhere in particular. */
  constructor(context: AudioContext, mouth: Mouth | null) {
    this.#context = context
    this.clock = new AudioClock(context, mouth ? EARS_MS : 0)
    this.#gain = context.createGain()
    this.#analyser = context.createAnalyser()
    this.#analyser.fftSize = 1024
    this.#buffer = new Float32Array(this.#analyser.fftSize)
    this.#gain.connect(this.#analyser).connect(mouth?.input ?? context.destination)
    this.#opus = new OpusDecoder((pcm, sample) => this.play(pcm, sample))
  }

  push(packet: VoicePacket): void {
    if (packet.codec === 'opus') {
      this.#opus.push(packet.payload, packet.sample)
      return
    }
    const { payload } = packet
    const words = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    const pcm = new Float32Array(payload.byteLength >> 1)
    for (let i = 0; i < pcm.length; i++) pcm[i] = words.getInt16(2 * i, true) / 32768
    this.play(pcm, packet.sample)
  }

  /** Schedules samples that belong at `sample` of the media clock. */
  play(pcm: Float32Array<ArrayBuffer>, sample: number): void {
    if (pcm.length === 0 || sample < this.#next) return
    this.#next = sample + pcm.length
    this.clock.end = this.#next
    const now = this.#context.currentTime
    let start = this.#anchor ? this.#anchor.seconds + (sample - this.#anchor.sample) / 48_000 : Number.NaN
    if (!(start >= now + 0.002 && start <= now + MARGIN_S + PILE_S)) {
      // First packet, late packet or a pile: lay the time line anew, a margin from now.
      start = now + MARGIN_S
      this.#anchor = { sample, seconds: start }
      this.clock.setAnchor(sample, start)
    }
    const buffer = this.#context.createBuffer(1, pcm.length, 48_000)
    buffer.copyToChannel(pcm, 0)
    const node = this.#context.createBufferSource()
    node.buffer = buffer
    node.connect(this.#gain)
    node.start(start)
    this.#playing.add(node)
    node.onended = () => this.#playing.delete(node)
  }

  level(): number {
    return rms(this.#analyser, this.#buffer) * this.#gain.gain.value
  }

  silence(): void {
    for (const node of this.#playing) node.stop()
    this.#playing.clear()
    this.#gain.gain.setTargetAtTime(0, this.#context.currentTime, 0.004)
  }

  unsilence(): void {
    this.#gain.gain.cancelScheduledValues(this.#context.currentTime)
    this.#gain.gain.setTargetAtTime(1, this.#context.currentTime, 0.004)
  }

  close(): void {
    this.silence()
    this.#opus.close()
    this.#gain.disconnect()
    this.#analyser.disconnect()
  }
}

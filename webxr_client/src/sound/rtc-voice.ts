import { RtpClock } from '../clock/rtp'
import type { RtcLine } from '../link/rtc'
import { EARS_MS, type Mouth } from './mouth'
import { outputLatencyMs, rms, type VoiceOut } from './voice'

const POLL_MS = 20

/**
 * A voice that comes as a WebRTC track: an audio element plays it, or a mouth in the room; the receiver tells what
 * is heard.
 */
export class RtcVoice implements VoiceOut {
  readonly clock = new RtpClock()
  /** The line that it plays. */
  readonly mid: string
  readonly #audio = new Audio()
  readonly #analyser: AnalyserNode
  /** Towards the mouth; null where the element itself sounds. */
  readonly #gain: GainNode | null
  readonly #source: MediaStreamAudioSourceNode
  readonly #buffer: Float32Array<ArrayBuffer>
  readonly #timer: ReturnType<typeof setInterval>

  constructor(line: RtcLine, context: AudioContext, mouth: Mouth | null) {
    this.mid = line.mid
    const stream = new MediaStream([line.track])
    this.#audio.srcObject = stream
    this.#audio.autoplay = true
    // Chromium feeds a remote track to the audio graph only while an element plays it, be it unheard.
    this.#audio.muted = mouth !== null
    void this.#audio.play().catch(() => {
      // Without a gesture the browser holds sound back; the page's next gesture calls `unsilence`.
    })
    this.#source = context.createMediaStreamSource(stream)
    this.#analyser = context.createAnalyser()
    this.#analyser.fftSize = 1024
    this.#source.connect(this.#analyser)
    this.#gain = mouth && context.createGain()
    if (this.#gain && mouth) this.#source.connect(this.#gain).connect(mouth.input)
    this.#buffer = new Float32Array(this.#analyser.fftSize)
    this.#timer = setInterval(() => {
      const source = line.receiver.getSynchronizationSources()[0]
      if (!source) return
      this.clock.outputLatencyMs = outputLatencyMs(context) + (mouth ? EARS_MS : 0)
      // Browsers give the timestamp either on performance.now()'s clock or on Date.now()'s.
      const timestamp = source.timestamp > 1e11 ? source.timestamp - performance.timeOrigin : source.timestamp
      this.clock.observe({ rtpTimestamp: source.rtpTimestamp, timestamp })
    }, POLL_MS)
  }

  level(): number {
    return rms(this.#analyser, this.#buffer) * (this.#gain?.gain.value ?? this.#audio.volume)
  }

  silence(): void {
    if (this.#gain) this.#gain.gain.value = 0
    else this.#audio.volume = 0
  }

  unsilence(): void {
    if (this.#gain) this.#gain.gain.value = 1
    else this.#audio.volume = 1
    if (this.#audio.paused) void this.#audio.play().catch(() => undefined)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#source.disconnect()
    this.#gain?.disconnect()
    this.#audio.srcObject = null
  }
}

/** Whether this browser decodes Opus by itself (WebCodecs); otherwise voice comes as PCM. */
export async function decodesOpus(): Promise<boolean> {
  if (typeof AudioDecoder === 'undefined') return false
  try {
    return (await AudioDecoder.isConfigSupported(CONFIG)).supported === true
  } catch {
    return false
  }
}

const CONFIG: AudioDecoderConfig = { codec: 'opus', sampleRate: 48_000, numberOfChannels: 1 }

/** Decodes one voice's Opus packets; the sample index travels as the timestamp. */
export class OpusDecoder {
  readonly #output: (pcm: Float32Array<ArrayBuffer>, sample: number) => void
  #decoder: AudioDecoder

  constructor(output: (pcm: Float32Array<ArrayBuffer>, sample: number) => void) {
    this.#output = output
    this.#decoder = this.#open()
  }

  push(payload: Uint8Array, sample: number): void {
    if (this.#decoder.state === 'closed') this.#decoder = this.#open()
    const timestamp = Math.round((sample * 1e6) / 48_000)
    this.#decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp, data: payload }))
  }

  close(): void {
    if (this.#decoder.state !== 'closed') this.#decoder.close()
  }

  #open(): AudioDecoder {
    const decoder = new AudioDecoder({
      output: data => {
        const pcm = new Float32Array(data.numberOfFrames)
        data.copyTo(pcm, { planeIndex: 0, format: 'f32-planar' })
        const sample = Math.round((data.timestamp * 48_000) / 1e6)
        data.close()
        this.#output(pcm, sample)
      },
      // A packet that is not Opus closes the decoder; the next packet opens another.
      error: () => undefined,
    })
    decoder.configure(CONFIG)
    return decoder
  }
}

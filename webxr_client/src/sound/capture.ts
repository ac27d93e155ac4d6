import workletUrl from './capture-worklet.js?url'

const loaded = new WeakSet<AudioContext>()

/** Cuts a microphone track into PCM16 blocks of 20 ms at 48 kHz, for the WebSocket. */
export class Capture {
  readonly #source: MediaStreamAudioSourceNode
  readonly #node: AudioWorkletNode

  private constructor(source: MediaStreamAudioSourceNode, node: AudioWorkletNode) {
    this.#source = source
    this.#node = node
  }

  /** `context` must run at 48 kHz. */
  static async start(
    context: AudioContext,
    track: MediaStreamTrack,
    block: (pcm: Uint8Array) => void,
  ): Promise<Capture> {
    if (!loaded.has(context)) {
      await context.audioWorklet.addModule(workletUrl)
      loaded.add(context)
    }
    const source = context.createMediaStreamSource(new MediaStream([track]))
    const node = new AudioWorkletNode(context, 'capture', {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: 'explicit',
    })
    node.port.onmessage = (event: MessageEvent<Float32Array>) => block(toPcm16(event.data))
    source.connect(node)
    return new Capture(source, node)
  }

  stop(): void {
    this.#node.port.onmessage = null
    this.#source.disconnect()
    this.#node.disconnect()
  }
}

function toPcm16(samples: Float32Array): Uint8Array {
  const data = new DataView(new ArrayBuffer(samples.length * 2))
  samples.forEach((value, i) => {
    data.setInt16(2 * i, Math.round(Math.min(Math.max(value, -1), 1) * 32767), true)
  })
  return new Uint8Array(data.buffer)
}

/** What keeps a microphone from opening, in words that say what to do. */
export function microphoneTrouble(error: unknown): string {
  const name = error instanceof DOMException ? error.name : ''
  switch (name) {
    case 'NotAllowedError':
      return 'The microphone is blocked for this page. Allow it in the address bar, then hold the button again.'
    case 'NotFoundError':
      return 'No microphone was found. Plug one in, then hold the button again; typing works without.'
    case 'NotReadableError':
      return 'Another program holds the microphone. Close it there, then hold the button again.'
    default:
      return `The microphone did not open: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Keeps an opened microphone for this long after the last use: the next press is then instant. */
const LINGER_MS = 20_000

/** The person's microphone, opened when it is first needed and closed soon after. */
export class Microphone {
  #stream: MediaStream | null = null
  #linger: ReturnType<typeof setTimeout> | undefined

  /** Opens it and returns its live track. Rejects with the browser's DOMException. */
  async open(): Promise<MediaStreamTrack> {
    clearTimeout(this.#linger)
    let track = this.#stream?.getAudioTracks()[0]
    if (!track || track.readyState === 'ended') {
      if (!navigator.mediaDevices) {
        throw new Error(
          'Browsers give a microphone only to https pages and to localhost. Open the page that way.',
        )
      }
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
      })
      track = this.#stream.getAudioTracks()[0]
      if (!track) throw new Error('The browser opened a microphone without sound.')
    }
    track.enabled = true
    return track
  }

  /** Sends silence from now on. */
  mute(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.enabled = false
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => this.close(), LINGER_MS)
  }

  close(): void {
    clearTimeout(this.#linger)
    for (const track of this.#stream?.getTracks() ?? []) track.stop()
    this.#stream = null
  }
}

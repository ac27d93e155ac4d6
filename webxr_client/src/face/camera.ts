/** What keeps a camera from opening, in words that say what to do. */
export function cameraTrouble(error: unknown): string {
  const name = error instanceof DOMException ? error.name : ''
  switch (name) {
    case 'NotAllowedError':
      return 'The camera is blocked for this page. Allow it in the address bar, then try again; your voice and typing work without.'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'No camera was found. Plug one in, then try again; your voice and typing work without.'
    case 'NotReadableError':
      return 'Another program holds the camera. Close it there, then try again.'
    default:
      return `Your face cannot be followed: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** The person's camera as a playing, unseen video. */
export class Camera {
  readonly video: HTMLVideoElement
  readonly #stream: MediaStream

  private constructor(stream: MediaStream, video: HTMLVideoElement) {
    this.#stream = stream
    this.video = video
  }

  /** Opens it; `lost` is called when it is unplugged. Rejects with the browser's DOMException. */
  static async open(lost: () => void): Promise<Camera> {
    if (!navigator.mediaDevices) {
      throw new Error('browsers give a camera only to https pages and to localhost')
    }
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: 'user' },
    })
    const video = document.createElement('video')
    video.muted = true
    video.playsInline = true
    video.srcObject = stream
    await video.play()
    stream.getVideoTracks()[0]?.addEventListener('ended', lost)
    return new Camera(stream, video)
  }

  /** Resolves at the next picture with the ms at which it was taken, as far as the browser knows. */
  next(): Promise<number> {
    return new Promise(resolve => {
      if ('requestVideoFrameCallback' in this.video) {
        this.video.requestVideoFrameCallback((_now, frame) =>
          resolve(frame.captureTime ?? frame.presentationTime),
        )
      } else {
        setTimeout(() => resolve(performance.now()), 33)
      }
    })
  }

  close(): void {
    for (const track of this.#stream.getTracks()) track.stop()
    this.video.srcObject = null
  }
}

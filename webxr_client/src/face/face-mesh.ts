import type { Point } from './landmarks'
import type { TrackerAnswer } from './tracker'

const LOAD_MS = 60_000

/** The face tracker in its frame (see tracker.ts): pictures go in, landmarks come out, nothing leaves the page. */
export class FaceMesh {
  readonly #frame: HTMLIFrameElement
  readonly #waiting = new Map<
    number,
    { resolve: (face: Point[] | null) => void; reject: (error: Error) => void }
  >()
  readonly #heard: (event: MessageEvent<TrackerAnswer>) => void
  #next = 0

  private constructor(frame: HTMLIFrameElement) {
    this.#frame = frame
    this.#heard = event => {
      if (event.source !== frame.contentWindow || event.origin !== location.origin) return
      const message = event.data
      if (message.kind !== 'found' && message.kind !== 'error') return
      const asked = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.kind === 'found') asked?.resolve(message.face)
      else asked?.reject(new Error(message.text))
    }
    addEventListener('message', this.#heard)
  }

  /** Loads some 10 MB of model and program, once. */
  static load(): Promise<FaceMesh> {
    const frame = document.createElement('iframe')
    frame.hidden = true
    frame.title = 'Face tracker'
    frame.src = '/face-tracker.html'
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(new Error('the face tracker took too long to load')), LOAD_MS)
      const done = (error: Error | null): void => {
        clearTimeout(timer)
        removeEventListener('message', heard)
        if (error) {
          frame.remove()
          reject(error)
        } else resolve(new FaceMesh(frame))
      }
      const heard = (event: MessageEvent<TrackerAnswer>): void => {
        if (event.source !== frame.contentWindow || event.origin !== location.origin) return
        if (event.data.kind === 'ready') done(null)
        if (event.data.kind === 'failed') done(new Error(event.data.text))
      }
      addEventListener('message', heard)
      document.body.append(frame)
    })
  }

  /** The largest face's 478 points, normalised, or null. */
  async find(video: HTMLVideoElement): Promise<Point[] | null> {
    const picture = await createImageBitmap(video)
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#frame.contentWindow?.postMessage({ id, picture }, location.origin, [picture])
    })
  }
}

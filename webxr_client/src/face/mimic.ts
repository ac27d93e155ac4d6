import { Camera } from './camera'
import { FaceMesh } from './face-mesh'
import { encodeLandmarks, type Point } from './landmarks'

export type FaceState = 'opening' | 'calibrating' | 'following' | 'no face' | 'off'

export interface MimicEvents {
  /** A landmark datagram to be sent; the picture itself never leaves the page. */
  send(datagram: Uint8Array): void
  /** What a person should know about it. */
  state(state: FaceState, trouble: string): void
}

/**
 * Kept for the figures: how long each picture's tracking took, when it was taken and sent (ms), how far the mouth
 * was open, by the height of the face, and that height by the picture's (NaN without a face).
 */
export interface Tracked {
  captured: number
  sent: number
  trackingMs: number
  mouth: number
  height: number
}

const CALIBRATION_MS = 1200
const LOST_AFTER_MS = 500
const KEPT = 3000

/** Follows the person's face with the camera and sends its landmarks, until it is stopped. */
export class Mimic {
  readonly tracked: Tracked[] = []
  readonly #events: MimicEvents
  #camera: Camera | null = null
  #mesh: FaceMesh | null = null
  #sequence = 0
  #state: FaceState = 'off'
  #faceSince = 0
  #run = 0

  constructor(events: MimicEvents) {
    this.#events = events
  }

  get on(): boolean {
    return this.#state !== 'off'
  }

  /** Opens the camera and follows. Rejects where it cannot; see `cameraTrouble`. */
  async start(): Promise<void> {
    if (this.on) return
    const run = ++this.#run
    this.#set('opening')
    try {
      const camera = await Camera.open(() => this.stop('The camera was unplugged. Plug it in and try again.'))
      this.#camera = camera
      this.#mesh ??= await FaceMesh.load()
      if (run !== this.#run) {
        camera.close()
        return
      }
      this.neutral()
      void this.#follow(run, camera, this.#mesh)
    } catch (error) {
      this.stop('')
      throw error
    }
  }

  /** The next second is the neutral face; tell the server too. */
  neutral(): void {
    this.#faceSince = 0
    if (this.on) this.#set('calibrating')
  }

  stop(trouble = ''): void {
    this.#run++
    this.#camera?.close()
    this.#camera = null
    this.#set('off', trouble)
  }

  async #follow(run: number, camera: Camera, mesh: FaceMesh): Promise<void> {
    let seen = performance.now()
    while (run === this.#run) {
      const captured = await camera.next()
      const { videoWidth, videoHeight } = camera.video
      if (run !== this.#run || videoWidth === 0) continue
      const before = performance.now()
      let face
      try {
        face = await mesh.find(camera.video)
      } catch (error) {
        if (run === this.#run) this.stop(`The face tracker failed: ${String(error)}. Try again.`)
        return
      }
      if (run !== this.#run) return
      const now = performance.now()
      this.#events.send(encodeLandmarks(face, videoWidth, videoHeight, this.#sequence++, now))
      this.tracked.push({
        captured,
        sent: performance.now(),
        trackingMs: now - before,
        mouth: mouthOpening(face),
        height: heightOf(face),
      })
      if (this.tracked.length > KEPT) this.tracked.shift()
      if (face) {
        seen = now
        this.#faceSince ||= now
        this.#set(now - this.#faceSince < CALIBRATION_MS ? 'calibrating' : 'following')
      } else if (now - seen > LOST_AFTER_MS) this.#set('no face')
    }
  }

  #set(state: FaceState, trouble = ''): void {
    if (state === this.#state && trouble === '') return
    this.#state = state
    this.#events.state(state, trouble)
  }
}

/** Distance of the inner lips by the height of the face. */
function mouthOpening(face: readonly Point[] | null): number {
  const [upper, lower] = [13, 14].map(number => face?.[number])
  if (!upper || !lower) return Number.NaN
  return Math.hypot(lower.x - upper.x, lower.y - upper.y) / heightOf(face)
}

/** From the chin to the top of the forehead. */
function heightOf(face: readonly Point[] | null): number {
  const [top, chin] = [10, 152].map(number => face?.[number])
  return top && chin ? Math.hypot(chin.x - top.x, chin.y - top.y) : Number.NaN
}

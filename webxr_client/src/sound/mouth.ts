import type { Vector3 } from 'three'

/** Nearer than this a voice is not louder, metres: where people stand to talk. */
const TALKING_DISTANCE = 1.2
/** A position is reached in about this time, seconds: jumps would click. */
const GLIDE = 0.03
/** What the two ears' filters delay a sound by, ms: half of the browsers' block for it. */
export const EARS_MS = 5

/** Where a voice sounds from: both ears hear it from the direction of the avatar's mouth. */
export class Mouth {
  readonly input: PannerNode
  readonly #context: AudioContext

  constructor(context: AudioContext) {
    this.#context = context
    this.input = new PannerNode(context, {
      panningModel: 'HRTF',
      distanceModel: 'inverse',
      refDistance: TALKING_DISTANCE,
      // In a room the walls carry a voice: it fades more slowly than in the open.
      rolloffFactor: 0.7,
      channelCount: 1,
      channelCountMode: 'explicit',
    })
    this.input.connect(context.destination)
  }

  /** Moves it, world space, metres. */
  place(at: Vector3): void {
    const { positionX, positionY, positionZ } = this.input
    glide(this.#context, positionX, at.x)
    glide(this.#context, positionY, at.y)
    glide(this.#context, positionZ, at.z)
  }

  close(): void {
    this.input.disconnect()
  }
}

/** Puts the person's ears where their head is: `ahead` and `up` are unit vectors. */
export function placeEars(context: AudioContext, at: Vector3, ahead: Vector3, up: Vector3): void {
  const { listener } = context
  if (!('positionX' in listener)) {
    // Firefox knows the older calls only.
    const older = listener as AudioListener
    /* eslint-disable @typescript-eslint/no-deprecated */
    older.setPosition(at.x, at.y, at.z)
    older.setOrientation(ahead.x, ahead.y, ahead.z, up.x, up.y, up.z)
    /* eslint-enable @typescript-eslint/no-deprecated */
    return
  }
  glide(context, listener.positionX, at.x)
  glide(context, listener.positionY, at.y)
  glide(context, listener.positionZ, at.z)
  glide(context, listener.forwardX, ahead.x)
  glide(context, listener.forwardY, ahead.y)
  glide(context, listener.forwardZ, ahead.z)
  glide(context, listener.upX, up.x)
  glide(context, listener.upY, up.y)
  glide(context, listener.upZ, up.z)
}

function glide(context: AudioContext, param: AudioParam, value: number): void {
  if (Math.abs(param.value - value) < 1e-3) return
  param.setTargetAtTime(value, context.currentTime, GLIDE)
}

import { MathUtils, type PerspectiveCamera, Vector3 } from 'three'
import type { Turnable } from './pointer'
import type { Framing } from './seating'

const YAW = MathUtils.degToRad(55)
const PITCH = MathUtils.degToRad(24)
const NEAR = 0.55
const FAR = 3.4

/** The desktop camera: at conversational distance, turned by dragging, never through the furniture. */
export class Orbit implements Turnable {
  /** Vertical field of view, degrees: long, as a portrait's. */
  static readonly fov = 27
  readonly #camera: PerspectiveCamera
  readonly #target = new Vector3()
  #around: Framing = { x: 0, z: 0, yaw: 0, distance: 1.2 }
  #yaw = 0.1
  #pitch = 0.03
  #distance = 1.2
  #wanted = { yaw: 0.1, pitch: 0.03, distance: 1.2 }

  constructor(camera: PerspectiveCamera) {
    this.#camera = camera
  }

  /** Stands so far away, facing whom there is to see. */
  frame(around: Framing): void {
    this.#around = around
    this.#wanted = { yaw: 0.1, pitch: 0.03, distance: around.distance }
  }

  turn(yaw: number, pitch: number): void {
    this.#wanted.yaw = MathUtils.clamp(this.#wanted.yaw + yaw, -YAW, YAW)
    this.#wanted.pitch = MathUtils.clamp(this.#wanted.pitch + pitch, -PITCH, PITCH)
  }

  zoom(factor: number): void {
    this.#wanted.distance = MathUtils.clamp(this.#wanted.distance * factor, NEAR, FAR)
  }

  /** Looks at heads whose origin is at height `y`; `calm` moves without easing. */
  update(y: number, elapsedMs: number, calm: boolean): void {
    const share = calm ? 1 : 1 - Math.exp(-elapsedMs / 110)
    this.#yaw += (this.#wanted.yaw - this.#yaw) * share
    this.#pitch += (this.#wanted.pitch - this.#pitch) * share
    this.#distance += (this.#wanted.distance - this.#distance) * share
    // Tall windows need more distance to keep both shoulders in.
    const distance = this.#distance * MathUtils.clamp(1.05 / this.#camera.aspect, 1, 1.7)
    const yaw = this.#around.yaw + this.#yaw
    this.#target.set(
      this.#around.x - 0.04 * Math.sin(this.#around.yaw),
      y - 0.055,
      this.#around.z - 0.04 * Math.cos(this.#around.yaw),
    )
    this.#camera.position.set(
      this.#target.x + distance * Math.sin(yaw) * Math.cos(this.#pitch),
      this.#target.y + distance * Math.sin(this.#pitch) + 0.02,
      this.#target.z + distance * Math.cos(yaw) * Math.cos(this.#pitch),
    )
    this.#camera.lookAt(this.#target)
  }
}

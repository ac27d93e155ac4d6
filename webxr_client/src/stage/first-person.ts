import { MathUtils, type PerspectiveCamera } from 'three'
import type { Turnable } from './pointer'
import type { Place } from './seating'

const YAW = MathUtils.degToRad(120)
const PITCH = MathUtils.degToRad(40)
const NARROW = 18
const WIDE = 75

/** The desktop camera in the head of the own character: it turns, and never leaves its seat. */
export class FirstPerson implements Turnable {
  readonly #camera: PerspectiveCamera
  #seat: Place = { x: 0, z: 0, yaw: 0 }
  #yaw = 0
  #pitch = 0
  #wanted = { yaw: 0, pitch: 0, fov: 50 }

  constructor(camera: PerspectiveCamera) {
    this.#camera = camera
  }

  /** Sits down and looks `glance` radians to the left of straight ahead. */
  frame(seat: Place, glance: number, fov: number): void {
    this.#seat = seat
    this.#wanted = { yaw: glance, pitch: 0, fov }
    this.#yaw = glance
    this.#pitch = 0
  }

  turn(yaw: number, pitch: number): void {
    // Dragging the picture to the right turns the head to the left.
    this.#wanted.yaw = MathUtils.clamp(this.#wanted.yaw - yaw, -YAW, YAW)
    this.#wanted.pitch = MathUtils.clamp(this.#wanted.pitch + pitch, -PITCH, PITCH)
  }

  zoom(factor: number): void {
    this.#wanted.fov = MathUtils.clamp(this.#wanted.fov * factor, NARROW, WIDE)
  }

  update(y: number, elapsedMs: number, calm: boolean): void {
    const share = calm ? 1 : 1 - Math.exp(-elapsedMs / 90)
    this.#yaw += (this.#wanted.yaw - this.#yaw) * share
    this.#pitch += (this.#wanted.pitch - this.#pitch) * share
    const fov = this.#camera.fov + (this.#wanted.fov - this.#camera.fov) * share
    if (Math.abs(fov - this.#camera.fov) > 0.01) {
      this.#camera.fov = fov
      this.#camera.updateProjectionMatrix()
    }
    this.#camera.position.set(this.#seat.x, y, this.#seat.z)
    // A camera looks along -z, a face along +z.
    this.#camera.rotation.set(this.#pitch, this.#seat.yaw + this.#yaw + Math.PI, 0, 'YXZ')
  }
}

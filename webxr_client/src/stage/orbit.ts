import { MathUtils, type PerspectiveCamera, Vector3 } from 'three'

const YAW = MathUtils.degToRad(55)
const PITCH = MathUtils.degToRad(24)
const NEAR = 0.55
const FAR = 2.6

/** The desktop camera: at conversational distance, turned by dragging, never through the furniture. */
export class Orbit {
  readonly #camera: PerspectiveCamera
  readonly #target = new Vector3()
  #yaw = 0
  #pitch = 0
  #distance = 1.2
  #wanted = { yaw: 0.1, pitch: 0.03, distance: 1.2 }
  #drag: { x: number; y: number } | null = null

  constructor(camera: PerspectiveCamera, element: HTMLElement) {
    this.#camera = camera
    this.#yaw = this.#wanted.yaw
    this.#pitch = this.#wanted.pitch
    element.addEventListener('pointerdown', event => {
      this.#drag = { x: event.clientX, y: event.clientY }
      element.setPointerCapture(event.pointerId)
    })
    element.addEventListener('pointermove', event => {
      if (!this.#drag) return
      this.turn((this.#drag.x - event.clientX) * 0.005, (event.clientY - this.#drag.y) * 0.004)
      this.#drag = { x: event.clientX, y: event.clientY }
    })
    const release = (): void => {
      this.#drag = null
    }
    element.addEventListener('pointerup', release)
    element.addEventListener('pointercancel', release)
    element.addEventListener(
      'wheel',
      event => {
        event.preventDefault()
        this.zoom(Math.exp(event.deltaY * 0.001))
      },
      { passive: false },
    )
    element.addEventListener('keydown', event => {
      const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.06], ArrowDown: [0, -0.06] }[
        event.key
      ]
      if (step) this.turn(step[0] as number, step[1] as number)
      else if (event.key === '+' || event.key === '=') this.zoom(0.9)
      else if (event.key === '-') this.zoom(1.1)
      else return
      event.preventDefault()
    })
  }

  /** Stands this far away, facing the character. */
  frame(distance: number): void {
    this.#wanted = { yaw: 0.1, pitch: 0.03, distance }
  }

  turn(yaw: number, pitch: number): void {
    this.#wanted.yaw = MathUtils.clamp(this.#wanted.yaw + yaw, -YAW, YAW)
    this.#wanted.pitch = MathUtils.clamp(this.#wanted.pitch + pitch, -PITCH, PITCH)
  }

  zoom(factor: number): void {
    this.#wanted.distance = MathUtils.clamp(this.#wanted.distance * factor, NEAR, FAR)
  }

  /** Looks at a head whose origin is at height `y`; `calm` moves without easing. */
  update(y: number, elapsedMs: number, calm: boolean): void {
    const share = calm ? 1 : 1 - Math.exp(-elapsedMs / 110)
    this.#yaw += (this.#wanted.yaw - this.#yaw) * share
    this.#pitch += (this.#wanted.pitch - this.#pitch) * share
    this.#distance += (this.#wanted.distance - this.#distance) * share
    // Tall windows need more distance to keep both shoulders in.
    const distance = this.#distance * MathUtils.clamp(1.05 / this.#camera.aspect, 1, 1.7)
    this.#target.set(0, y - 0.055, -0.04)
    this.#camera.position.set(
      this.#target.x + distance * Math.sin(this.#yaw) * Math.cos(this.#pitch),
      this.#target.y + distance * Math.sin(this.#pitch) + 0.02,
      this.#target.z + distance * Math.cos(this.#yaw) * Math.cos(this.#pitch),
    )
    this.#camera.lookAt(this.#target)
  }
}

import {
  BoxGeometry,
  Color,
  DirectionalLight,
  Group,
  HemisphereLight,
  Mesh,
  MeshBasicMaterial,
  PMREMGenerator,
  Scene,
  type Texture,
  type WebGLRenderer,
} from 'three'
import { isMesh } from '../avatar/mesh'
import type { Lighting } from './set'

/** Key, rim and fill around a head: one shadow-casting light, tight around the bust. */
export class Lights {
  readonly group = new Group()
  readonly #key = new DirectionalLight()
  readonly #rim = new DirectionalLight()
  readonly #fill = new HemisphereLight()

  constructor(shadowSize: number) {
    const { shadow } = this.#key
    this.#key.castShadow = shadowSize > 0
    shadow.mapSize.set(shadowSize || 512, shadowSize || 512)
    Object.assign(shadow.camera, { left: -0.42, right: 0.42, top: 0.34, bottom: -0.5, near: 0.2, far: 4 })
    shadow.radius = 5
    shadow.bias = -0.0004
    shadow.normalBias = 0.0035
    this.group.add(this.#key, this.#key.target, this.#rim, this.#rim.target, this.#fill)
  }

  /** `alone`: there is no environment map, so the fill makes up for it. */
  set(lighting: Lighting, alone: boolean): void {
    this.#key.color.set(lighting.key.color)
    this.#key.intensity = lighting.key.intensity
    this.#key.position.set(lighting.key.x, lighting.key.y, lighting.key.z).multiplyScalar(1.4)
    this.#rim.color.set(lighting.rim.color)
    this.#rim.intensity = lighting.rim.intensity
    // Behind the head and opposite the key: it draws the outline of hair and shoulder.
    this.#rim.position.set(-Math.sign(lighting.key.x) * 1.1, 0.7, -1.0)
    this.#fill.color.set(lighting.fill.sky)
    this.#fill.groundColor.set(lighting.fill.ground)
    this.#fill.intensity = lighting.fill.intensity * (alone ? 2.4 : 1)
  }

  /** Moves the lights with the head. */
  aim(y: number): void {
    this.group.position.y = y
  }
}

/** A small photographer's room of soft boxes, blurred into an environment map: what eyes and wood reflect. */
export function softboxEnvironment(renderer: WebGLRenderer): Texture {
  const room = new Scene()
  const box = (
    color: number,
    intensity: number,
    size: [number, number, number],
    at: [number, number, number],
  ): void => {
    const material = new MeshBasicMaterial({ color: new Color(color).multiplyScalar(intensity) })
    const mesh = new Mesh(new BoxGeometry(...size), material)
    mesh.position.set(...at)
    mesh.lookAt(0, 0, 0)
    room.add(mesh)
  }
  room.background = new Color(0x2a2926)
  box(0xffe6c8, 14, [1.6, 2.2, 0.1], [3.2, 2.2, 3.2])
  box(0xcfdcff, 4, [1.2, 2.4, 0.1], [-4, 1.2, 1.2])
  box(0xffffff, 5, [2.6, 0.8, 0.1], [0, 4.5, 0.6])
  box(0xbcd0ff, 6, [0.8, 2, 0.1], [-2.6, 1.5, -3.6])
  box(0x6b5138, 1, [8, 0.1, 8], [0, -3, 0])
  const generator = new PMREMGenerator(renderer)
  const texture = generator.fromScene(room, 0.03).texture
  generator.dispose()
  room.traverse(node => {
    if (!isMesh(node)) return
    node.geometry.dispose()
    ;(node.material as MeshBasicMaterial).dispose()
  })
  return texture
}

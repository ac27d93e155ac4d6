import { type Bone, Matrix4, type SkinnedMesh, Vector3 } from 'three'
import type { AnyMesh } from './mesh'
import { liftOf } from './processor-morphs'

/** What a drawn face does, measured on its mesh: metres and radians. */
export interface Measure {
  /** How high the inner brow stands, in the head's own space. */
  brow: number
  /** The head's turn against its seat, + to the person's left. */
  yaw: number
}

/** Measures brow and head on the skin as it is drawn: morphs and bones evaluated on the CPU. */
export class Gauge {
  readonly #skin: AnyMesh
  readonly #brow: number
  readonly #left: number
  readonly #right: number
  readonly #neck: Bone | undefined

  private constructor(skin: AnyMesh, brow: number, left: number, right: number) {
    this.#skin = skin
    this.#brow = brow
    this.#left = left
    this.#right = right
    this.#neck = (skin as Partial<SkinnedMesh>).skeleton?.bones.find(bone => bone.name === 'neck')
  }

  /** Null for an avatar whose skin has no brow to raise. `root`: the matrix of its place. */
  static of(meshes: readonly AnyMesh[], root: Matrix4): Gauge | null {
    for (const mesh of meshes) {
      const lift = liftOf(mesh, 'browInnerUp')
      if (mesh.userData['look'] !== 'skin' || !lift) continue
      const inSeat = place.copy(root).invert().multiply(mesh.matrixWorld)
      let [brow, left, right] = [0, 0, 0]
      let [most, least] = [-Infinity, Infinity]
      for (let i = 0; i < mesh.geometry.getAttribute('position').count; i++) {
        if (lift(i) > lift(brow)) brow = i
        const { x, y } = mesh.getVertexPosition(i, a).applyMatrix4(inSeat)
        // The sides of the face at the height of the eyes; below them the jaw moves.
        if (Math.abs(y) > 0.03) continue
        if (x > most) [most, left] = [x, i]
        if (x < least) [least, right] = [x, i]
      }
      return new Gauge(mesh, brow, left, right)
    }
    return null
  }

  /** `root`: the matrix of the place that the head turns against. */
  measure(root: Matrix4): Measure {
    const skin = this.#skin
    const inSeat = place.copy(root).invert().multiply(skin.matrixWorld)
    skin.getVertexPosition(this.#left, a).applyMatrix4(inSeat)
    skin.getVertexPosition(this.#right, b).applyMatrix4(inSeat)
    const yaw = Math.atan2(b.z - a.z, a.x - b.x)
    skin.getVertexPosition(this.#brow, a).applyMatrix4(skin.matrixWorld)
    const brow = this.#neck ? a.applyMatrix4(place.copy(this.#neck.matrixWorld).invert()).y : a.y
    return { brow, yaw }
  }
}

const a = new Vector3()
const b = new Vector3()
const place = new Matrix4()

import {
  Bone,
  type Color,
  CylinderGeometry,
  DoubleSide,
  Group,
  type Material,
  Matrix4,
  Mesh,
  MeshLambertMaterial,
  MeshStandardMaterial,
  Quaternion,
  Skeleton,
  SkinnedMesh,
  Vector3,
} from 'three'
import type { Quality } from '../avatar/materials'
import type { Hand, Vec3 } from '../wire/packet'
import { boneOf, FINGERS } from './hand-plan'
import { type HandShape, handShape, restRotations, type Side } from './hand-shape'

const SIDES: readonly Side[] = ['left', 'right']
const CUFF = 0x2b2724

/** Both hands of one person: skin over bones, closed by grip and pinch or by a headset's own joints. */
export class HandPair {
  /** In the space that the hands' positions are given in. */
  readonly group = new Group()
  readonly #hands: DrawnHand[]
  readonly #materials: Material[]

  constructor(tone: Color, quality: Quality) {
    const low = quality === 'low'
    const skin = low
      ? new MeshLambertMaterial({ color: tone })
      : new MeshStandardMaterial({ color: tone, roughness: 0.58 })
    const cloth = low
      ? new MeshLambertMaterial({ color: CUFF, side: DoubleSide })
      : new MeshStandardMaterial({ color: CUFF, roughness: 0.9, side: DoubleSide })
    this.#materials = [skin, cloth]
    this.#hands = SIDES.map(side => new DrawnHand(handShape(side, low ? 0.005 : undefined), skin, cloth))
    this.group.add(...this.#hands.map(hand => hand.group))
    this.group.visible = false
  }

  /** Puts the hands where they are, relative to `from`; null: they are not known. */
  show(hands: readonly [Hand, Hand] | null, from: Readonly<Vec3>): void {
    this.group.visible = hands !== null
    hands?.forEach((hand, i) => this.#hands[i]?.place(hand, from))
  }

  /** Turns one hand's fingers as a headset sees them: rotations by joint name, in the hand's own space. */
  bend(side: 0 | 1, rotations: ReadonlyMap<string, Quaternion>): void {
    this.#hands[side]?.bend(rotations)
  }

  dispose(): void {
    this.group.removeFromParent()
    for (const material of this.#materials) material.dispose()
    for (const hand of this.#hands) hand.dispose()
  }
}

class DrawnHand {
  readonly group = new Group()
  readonly #bones: Bone[]
  readonly #rest: Quaternion[]
  readonly #skeleton: Skeleton
  readonly #cuff: Mesh

  constructor(shape: HandShape, skin: Material, cloth: Material) {
    this.#rest = restRotations(shape)
    this.#bones = shape.bones.map(() => new Bone())
    shape.bones.forEach((matrix, i) => {
      const bone = this.#bones[i] as Bone
      const parent = shape.parents[i] as number
      const local =
        parent < 0
          ? matrix
          : inverse
              .copy(shape.bones[parent] as Matrix4)
              .invert()
              .multiply(matrix)
      local.decompose(bone.position, bone.quaternion, bone.scale)
      if (parent >= 0) this.#bones[parent]?.add(bone)
    })
    const mesh = new SkinnedMesh(shape.geometry, skin)
    mesh.frustumCulled = false
    mesh.castShadow = true
    mesh.add(this.#bones[0] as Bone)
    this.#skeleton = new Skeleton(
      this.#bones,
      shape.bones.map(matrix => matrix.clone().invert()),
    )
    mesh.bind(this.#skeleton, new Matrix4())
    this.#cuff = new Mesh(new CylinderGeometry(0.034, 0.038, 0.07, 24, 1, true), cloth)
    this.#cuff.scale.z = 0.8
    this.#cuff.rotation.x = -Math.PI / 2
    this.#cuff.position.z = 0.045
    this.group.add(mesh, this.#cuff)
  }

  place(hand: Hand, from: Readonly<Vec3>): void {
    const [x, y, z] = hand.position
    this.group.position.set(x + from[0], y + from[1], z + from[2])
    this.group.quaternion.set(...hand.rotation)
    FINGERS.forEach((finger, f) => {
      const pinched = finger.name === 'thumb' || finger.name === 'index'
      for (let j = 0; j < 3; j++) {
        const bone = boneOf(f, j)
        const curl = Math.max(
          (finger.curl[j] as number) * hand.grip,
          (finger.pinch[j] as number) * hand.pinch * (pinched ? 1 : 0.8),
          0.14,
        )
        this.#bones[bone]?.quaternion
          .copy(this.#rest[bone] as Quaternion)
          .multiply(turn.setFromAxisAngle(ACROSS, -curl))
      }
    })
  }

  bend(rotations: ReadonlyMap<string, Quaternion>): void {
    FINGERS.forEach((finger, f) => {
      // A chain that is seen in part would break in the middle.
      const turns = finger.joints.map(name => rotations.get(name))
      if (!turns.every(each => each !== undefined)) return
      turns.forEach((rotation, j) => {
        const before = j === 0 ? null : (turns[j - 1] as Quaternion)
        const bone = this.#bones[boneOf(f, j)]?.quaternion
        if (before) bone?.copy(before).invert().multiply(rotation)
        else bone?.copy(rotation)
      })
    })
  }

  dispose(): void {
    this.#skeleton.dispose()
    this.#cuff.geometry.dispose()
  }
}

const inverse = new Matrix4()
const turn = new Quaternion()
const ACROSS = new Vector3(1, 0, 0)

import { type Camera, Frustum, Group, Matrix4, Sphere, Vector3 } from 'three'
import type { Avatar } from '../avatar/avatar'
import type { Quality } from '../avatar/materials'
import { HandPair } from '../hands/hand-pair'
import { skinTone } from '../hands/skin-tone'
import type { Face } from '../motion/face'
import type { Seat } from '../wire/messages'
import { EVERYBODY, MIRRORED } from './layers'
import type { Stand } from './parts'
import { disposeParts } from './set'
import { Plaque } from './plaque'
import type { Place } from './seating'

/** Beyond this the light model does, metres; it comes back a little nearer, so that nobody flickers. */
const FAR = 3.2
const NEAR = 2.8
/** So many of those in view may have the full model at once. */
export const NEAREST = 6
/** Head, shoulders and hands. */
const REACH = 0.75

/** One avatar in its place: its models, near and far, its hands, its plaque and what it stands behind. */
export class Sitter {
  readonly own: boolean
  readonly seat: Seat | null
  /** Its origin is the head's resting place, its +z where the seat faces. */
  readonly group = new Group()
  readonly plaque = new Plaque()
  markText: string
  place: Place = { x: 0, z: 0, yaw: 0 }
  /** Whether it can be seen in the picture that is being made. */
  inView = true
  /** From the viewer, metres. */
  distance = 0
  /** Its shaders are compiled: drawing it holds nothing up. */
  ready = false
  /** Its hands are those of the headset's wearer, shown at once; what comes back from the server is older. */
  wornHands = false
  readonly #quality: Quality
  readonly #models: Avatar[] = []
  #model: Avatar
  #hands: HandPair | null = null
  #stand: Stand | null = null
  #hidden = false
  #face: Face | null = null

  constructor(
    avatar: Avatar,
    options: { own: boolean; seat: Seat | null; markText: string; quality: Quality },
  ) {
    this.own = options.own
    this.seat = options.seat
    this.markText = options.markText
    this.#quality = options.quality
    this.#model = avatar
    this.plaque.setText(options.markText)
    this.group.add(...this.plaque.meshes)
    this.add(avatar)
  }

  /** The model that is drawn now. */
  get model(): Avatar {
    return this.#model
  }

  /** The finest model there is. */
  get finest(): Avatar {
    return this.#models[0] as Avatar
  }

  get level(): 'near' | 'far' {
    return this.#model === this.finest ? 'near' : 'far'
  }

  /** Whether hands are drawn. */
  get handsShown(): boolean {
    return this.#hands?.group.visible ?? false
  }

  /** Another model of the same avatar, finer or lighter. */
  add(avatar: Avatar): void {
    this.#models.push(avatar)
    this.#models.sort((a, b) => b.triangles - a.triangles)
    avatar.group.visible = false
    this.group.add(avatar.group)
    this.#show(this.own ? this.finest : this.#models.length === 1 ? avatar : this.#model)
    this.hide(this.#hidden)
  }

  /** Puts it behind a stand of the set's; the old one goes. */
  setStand(stand: Stand | null): void {
    if (this.#stand) disposeParts(this.#stand.group)
    this.#stand = stand
  }

  /** Moves it, `eyes` above the floor. */
  sit(place: Place, eyes: number): void {
    this.place = place
    this.group.position.set(place.x, (this.seat?.y ?? 0) + eyes, place.z)
    this.group.rotation.y = place.yaw
    this.#stand?.group.position.set(place.x, this.seat?.y ?? 0, place.z)
    if (this.#stand) this.#stand.group.rotation.y = place.yaw
    this.#stand?.setEyeHeight(eyes)
  }

  /** From inside one's own head one does not see it; mirrors do. */
  hide(hidden: boolean): void {
    this.#hidden = hidden
    for (const model of this.#models)
      model.group.traverse(node => node.layers.set(hidden ? MIRRORED : EVERYBODY))
  }

  /** Chooses the model for this distance. `fine`: it may be the full one. */
  choose(fine: boolean): void {
    if (this.#models.length < 2) return
    const limit = this.level === 'near' ? FAR : NEAR
    this.#show(this.own || (fine && this.distance < limit) ? this.finest : (this.#models.at(-1) as Avatar))
  }

  pose(face: Face): void {
    this.#face = face
    // One's own is measured even when nothing shows it.
    if (this.inView || this.own) this.#model.apply(face)
    if (!this.wornHands && (face.hands || this.#hands?.group.visible))
      this.showHands(face.hands, face.headTranslation)
  }

  /** Draws hands, relative to `from` in the seat's space; null: none are known. */
  showHands(hands: Face['hands'], from: Readonly<[number, number, number]>): HandPair | null {
    if (hands && !this.#hands) {
      this.#hands = new HandPair(skinTone(this.finest.meshes), this.#quality)
      this.group.add(this.#hands.group)
    }
    this.#hands?.show(hands, from)
    return this.#hands
  }

  /** Whether it is in the view of `frustum`, or could be in a mirror's. */
  look(frustum: Frustum, eye: Vector3, mirrored: boolean): void {
    this.group.getWorldPosition(sphere.center)
    sphere.radius = REACH
    this.distance = sphere.center.distanceTo(eye)
    this.inView = mirrored || frustum.intersectsSphere(sphere)
  }

  /** Points around what is drawn of it now, in the world. */
  outline(): Vector3[] {
    const face = this.#face
    const points = this.#model.outline(face)
    if (this.handsShown)
      for (const hand of face?.hands ?? []) {
        for (const [x, y, z] of AXES)
          points.push(new Vector3(x, y, z).multiplyScalar(0.2).add(point.set(...hand.position)))
      }
    for (const mesh of this.plaque.meshes) {
      for (const x of [-0.18, 0.18]) points.push(new Vector3(x, 0, 0).add(mesh.position))
    }
    this.group.updateWorldMatrix(true, false)
    for (const each of points) each.applyMatrix4(this.group.matrixWorld)
    return points
  }

  /** The mouth, in the world. */
  mouth(to: Vector3): Vector3 {
    const at = this.#face?.headTranslation ?? [0, 0, 0]
    return this.group.localToWorld(to.set(at[0], at[1] - 0.06, at[2] + 0.06))
  }

  setVisible(shown: boolean): void {
    this.#model.group.visible = shown
    for (const mesh of this.plaque.meshes) mesh.visible = this.markText !== ''
    // Hands are the avatar's as well: without a mark they are not drawn.
    if (this.#hands && !shown) this.#hands.group.visible = false
  }

  dispose(): void {
    for (const model of this.#models) model.dispose()
    this.#hands?.dispose()
    this.plaque.dispose()
    this.setStand(null)
    this.group.removeFromParent()
  }

  #show(model: Avatar): void {
    if (model === this.#model) return
    model.group.visible = this.#model.group.visible
    this.#model.group.visible = false
    this.#model = model
    // It appears with the face that the other one had.
    if (this.#face) model.apply(this.#face)
  }
}

/** What a camera, or the two of a headset, can see. */
export function viewOf(camera: Camera, frustum: Frustum): Frustum {
  return frustum.setFromProjectionMatrix(
    product.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse),
  )
}

const sphere = new Sphere()
const point = new Vector3()
const AXES = [
  [1, 0, 0],
  [-1, 0, 0],
  [0, 1, 0],
  [0, -1, 0],
  [0, 0, 1],
  [0, 0, -1],
] as const
const product = new Matrix4()

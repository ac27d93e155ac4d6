import { Bone, Group, type Object3D, Quaternion, Vector3 } from 'three'
import { MeshoptDecoder } from 'three/addons/libs/meshopt_decoder.module.js'
import { clone as cloneSkinned } from 'three/addons/utils/SkeletonUtils.js'
import { GLTFLoader } from 'three/addons/loaders/GLTFLoader.js'
import { type Face, fromAxisAngle } from '../motion/face'
import type { Vec3 } from '../wire/packet'
import { Gauge, type Measure } from './gauge'
import { findLips, type LipPair, lipOpening } from './lips'
import { dress, type Quality, undress } from './materials'
import { type AnyMesh, isMesh } from './mesh'
import { ProcessorMorphs } from './processor-morphs'
import { readWrinkles } from './skin'

/** Weights below this move no vertex by a visible amount, and a zero weight costs the shader nothing. */
const NOTHING = 1e-4

interface Slot {
  influences: number[]
  index: number
}

interface Joint {
  node: Object3D
  rest: Quaternion
  position: Vector3
}

/** An avatar's mesh: five joints and named morph targets, posed by a Face. */
export class Avatar {
  /** What the stage places; its origin is the head's origin, between the eyes. */
  readonly group = new Group()
  readonly url: string
  readonly triangles: number
  readonly meshes: AnyMesh[] = []
  /** Those vertices of its meshes, at rest, that lie outermost in one direction or another; software asks for them. */
  readonly #outline: Vector3[]
  readonly morphNames: string[]
  readonly boneCount: number
  readonly #slots = new Map<string, Slot[]>()
  readonly #joints: Partial<Record<'root' | 'neck' | 'jaw' | 'left_eye' | 'right_eye', Joint>> = {}
  readonly #lips: LipPair | null
  #components: (Slot[] | null)[] = []
  readonly #morphs: ProcessorMorphs[]
  #gauge: Gauge | null | undefined

  private constructor(scene: Object3D, url: string, quality: Quality) {
    this.url = url
    this.group.add(scene)
    scene.updateMatrixWorld(true)
    let triangles = 0
    let bones = 0
    scene.traverse(node => {
      if (node instanceof Bone) bones++
      for (const name of ['root', 'neck', 'jaw', 'left_eye', 'right_eye'] as const) {
        if (node.name === name && !isMesh(node)) {
          this.#joints[name] = { node, rest: node.quaternion.clone(), position: node.position.clone() }
        }
      }
      if (!isMesh(node)) return
      this.meshes.push(node)
      const { index, attributes } = node.geometry
      triangles += (index ? index.count : (attributes['position']?.count ?? 0)) / 3
      // Morphs and bones move vertices out of the rest bounds; a head is never worth culling wrongly.
      node.frustumCulled = false
      // A copy shares materials that are dressed already.
      if (node.userData['look'] === undefined) dress(node, quality)
      const influences = node.morphTargetInfluences
      for (const [name, at] of Object.entries(node.morphTargetDictionary ?? {})) {
        if (!influences) continue
        const slots = this.#slots.get(name) ?? []
        slots.push({ influences, index: at })
        this.#slots.set(name, slots)
      }
    })
    this.#morphs =
      quality === 'low' ? this.meshes.map(mesh => ProcessorMorphs.of(mesh)).filter(each => each !== null) : []
    this.#outline = quality === 'low' ? outermost(this.meshes) : []
    this.triangles = Math.round(triangles)
    this.boneCount = bones
    this.morphNames = [...this.#slots.keys()]
    this.#lips = this.#namedLips(scene) ?? this.#foundLips()
  }

  /** Loads a .glb. Rejects with words a person can read. */
  static async load(url: string, quality: Quality, progress: (share: number) => void): Promise<Avatar> {
    const loader = new GLTFLoader().setMeshoptDecoder(MeshoptDecoder).register(readWrinkles)
    try {
      const gltf = await loader.loadAsync(url, event => {
        if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total)
      })
      return new Avatar(gltf.scene, url, quality)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(
        `The avatar ${url} could not be loaded: ${why}. Reload the page; if it stays, its file is missing or damaged.`,
      )
    }
  }

  /** Another avatar of the same looks: geometry, materials and textures are shared, the pose is its own. */
  copy(quality: Quality): Avatar {
    return new Avatar(cloneSkinned(this.group.children[0] ?? new Group()), this.url, quality)
  }

  /** Names of the expression components, in the order of the frames. */
  setComponents(names: readonly string[]): void {
    this.#components = names.map(name => this.#slots.get(name) ?? null)
  }

  apply(face: Face): void {
    this.#components.forEach((slots, i) => {
      if (slots) setWeight(slots, face.expression[i] ?? 0)
    })
    setWeight(this.#slots.get('eyelidLeft'), face.eyelids[0])
    setWeight(this.#slots.get('eyelidRight'), face.eyelids[1])
    for (const each of this.#morphs) each.apply()
    const { root, neck, jaw, left_eye: left, right_eye: right } = this.#joints
    turn(neck, face.neck)
    turn(jaw, face.jaw)
    turn(left, [face.eyes[0], face.eyes[1], 0])
    turn(right, [face.eyes[2], face.eyes[3], 0])
    if (root) {
      root.node.quaternion.set(...face.headRotation).multiply(root.rest)
      root.node.position.copy(root.position).add(offset.set(...face.headTranslation))
    }
  }

  /** Points around all that is drawn of it with this face, to a few centimetres, in the space of `group`; low quality. */
  outline(face: Face | null): Vector3[] {
    const points = this.#outline.map(point => point.clone())
    const { root } = this.#joints
    if (!face || !root) return points
    rotation.set(...face.headRotation)
    offset.set(...face.headTranslation).add(root.position)
    for (const point of points) point.sub(root.position).applyQuaternion(rotation).add(offset)
    return points
  }

  /** Lip opening of the mesh as posed now, metres; NaN where no lips are known. */
  lipOpening(): number {
    return this.#lips ? lipOpening(this.#lips) : Number.NaN
  }

  /** Brow and head of the mesh as posed now, within the place that the avatar was given; null where unknown. */
  measure(): Measure | null {
    const root = (this.group.parent ?? this.group).matrixWorld
    this.#gauge ??= Gauge.of(this.meshes, root)
    return this.#gauge?.measure(root) ?? null
  }

  dispose(): void {
    this.group.removeFromParent()
    for (const mesh of this.meshes) {
      mesh.geometry.dispose()
      undress(mesh)
    }
  }

  /** The file's own statement: extras.lip_pair [upper, lower] on a mesh or its node. */
  #namedLips(scene: Object3D): LipPair | null {
    let found: LipPair | null = null
    scene.traverse(node => {
      if (!isMesh(node)) return
      const extras = (node.userData['likeness'] ?? node.userData) as Record<string, unknown>
      const pair = extras['lip_pair']
      if (!Array.isArray(pair)) return
      const [upper, lower] = pair as unknown[]
      const count = node.geometry.getAttribute('position').count
      if (isIndex(upper, count) && isIndex(lower, count)) {
        found = { mesh: node, upper, lower }
      }
    })
    return found
  }

  #foundLips(): LipPair | null {
    const jawSlots = this.#slots.get('jawOpen')
    const skins = this.meshes.filter(mesh => mesh.userData['look'] === 'skin')
    return findLips(
      this.group,
      // Teeth meet and part like lips do, so only the skin is asked, where the file says which mesh it is.
      skins.length > 0 ? skins : this.meshes,
      () => {
        turn(this.#joints.jaw, [0.3, 0, 0])
        setWeight(jawSlots, 1)
        for (const each of this.#morphs) each.apply()
      },
      () => {
        turn(this.#joints.jaw, [0, 0, 0])
        setWeight(jawSlots, 0)
        for (const each of this.#morphs) each.apply()
      },
    )
  }
}

/** The outermost vertex of some meshes in each of some forty directions. */
function outermost(meshes: readonly AnyMesh[]): Vector3[] {
  const directions = Array.from({ length: 42 }, (_, i) => {
    // Even on the sphere: a spiral by the golden angle.
    const y = 1 - (2 * (i + 0.5)) / 42
    const turned = i * Math.PI * (3 - Math.sqrt(5))
    return new Vector3(Math.cos(turned), 0, Math.sin(turned)).multiplyScalar(Math.sqrt(1 - y * y)).setY(y)
  })
  const far = directions.map(() => -Infinity)
  const found = directions.map(() => new Vector3())
  const at = new Vector3()
  for (const mesh of meshes) {
    const position = mesh.geometry.getAttribute('position')
    for (let v = 0; v < position.count; v++) {
      at.fromBufferAttribute(position, v).applyMatrix4(mesh.matrixWorld)
      directions.forEach((direction, i) => {
        const reach = at.dot(direction)
        if (reach <= (far[i] as number)) return
        far[i] = reach
        found[i]?.copy(at)
      })
    }
  }
  return found
}

const offset = new Vector3()
const rotation = new Quaternion()

function turn(joint: Joint | undefined, axisAngle: Vec3): void {
  if (!joint) return
  rotation.set(...fromAxisAngle(axisAngle))
  joint.node.quaternion.copy(rotation).multiply(joint.rest)
}

function setWeight(slots: Slot[] | undefined | null, weight: number): void {
  if (!slots) return
  const value = Math.abs(weight) < NOTHING ? 0 : weight
  for (const slot of slots) slot.influences[slot.index] = value
}

function isIndex(value: unknown, count: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < count
}

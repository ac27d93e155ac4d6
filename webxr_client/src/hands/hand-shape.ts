import { BufferAttribute, BufferGeometry, Matrix4, Quaternion, Vector3 } from 'three'
import type { Vec3 } from '../wire/packet'
import { boneOf, BONE_COUNT, type Cone, FINGERS, flesh } from './hand-plan'
import { surfaceOf } from './surface'

/** Where one piece of flesh meets another it is rounded by about this much, metres. */
const ROUND = 0.0055
/** Over this distance the pull of one bone gives way to that of the next. */
const BLEND = 0.006

export type Side = 'left' | 'right'

export interface HandShape {
  geometry: BufferGeometry
  /** Rest pose of each bone in the hand's space; its -z runs along the bone, its +y out of the nail's side. */
  bones: Matrix4[]
  /** The bone that each hangs on; -1 for the wrist. */
  parents: number[]
}

const shapes = new Map<string, HandShape>()

/** A hand's skin and bones, made once for each side and fineness. */
export function handShape(side: Side, cell = 0.0032): HandShape {
  const key = `${side} ${cell}`
  let shape = shapes.get(key)
  if (!shape) {
    shape = makeShape(side, cell)
    shapes.set(key, shape)
  }
  return shape
}

function makeShape(side: Side, cell: number): HandShape {
  const cones = flesh()
  const { positions, indices } = surfaceOf(
    p => skinDistance(cones, p),
    [-0.09, -0.04, -0.202],
    [0.064, 0.034, 0.034],
    cell,
  )
  const count = positions.length / 3
  const normals = new Float32Array(positions.length)
  const skinIndex = new Uint16Array(count * 4)
  const skinWeight = new Float32Array(count * 4)
  for (let i = 0; i < count; i++) {
    const p = positions.slice(3 * i, 3 * i + 3) as Vec3
    gradient(cones, p).toArray(normals, 3 * i)
    const { bones, weights } = pull(cones, p)
    skinIndex.set(bones, 4 * i)
    skinWeight.set(weights, 4 * i)
  }
  const mirror = side === 'left' ? -1 : 1
  if (mirror < 0) {
    for (let i = 0; i < positions.length; i += 3) {
      positions[i] = -(positions[i] as number)
      normals[i] = -(normals[i] as number)
    }
    for (let i = 0; i < indices.length; i += 3) {
      const second = indices[i + 1] as number
      indices[i + 1] = indices[i + 2] as number
      indices[i + 2] = second
    }
  }
  const geometry = new BufferGeometry()
  geometry.setAttribute('position', new BufferAttribute(new Float32Array(positions), 3))
  geometry.setAttribute('normal', new BufferAttribute(normals, 3))
  geometry.setAttribute('skinIndex', new BufferAttribute(skinIndex, 4))
  geometry.setAttribute('skinWeight', new BufferAttribute(skinWeight, 4))
  geometry.setIndex(indices)
  return { geometry, ...skeleton(mirror) }
}

function skeleton(mirror: number): { bones: Matrix4[]; parents: number[] } {
  const bones = [new Matrix4()]
  const parents = [-1]
  FINGERS.forEach((finger, f) => {
    for (let j = 0; j < 3; j++) {
      const from = mirrored(finger.points[j] as Vec3, mirror)
      const to = mirrored(finger.points[j + 1] as Vec3, mirror)
      const back = from.clone().sub(to).normalize()
      const right = mirrored(finger.up, mirror).cross(back).normalize()
      const up = back.clone().cross(right)
      bones.push(new Matrix4().makeBasis(right, up, back).setPosition(from))
      parents.push(j === 0 ? 0 : boneOf(f, j - 1))
    }
  })
  return { bones, parents }
}

function mirrored(p: Readonly<Vec3>, mirror: number): Vector3 {
  return new Vector3(p[0] * mirror, p[1], p[2])
}

/** How each bone pulls at a point: the nearest one, and its neighbour along the finger. */
function pull(cones: readonly Cone[], p: Vec3): { bones: number[]; weights: number[] } {
  const nearest = new Array<number>(BONE_COUNT).fill(Number.POSITIVE_INFINITY)
  for (const cone of cones) nearest[cone.bone] = Math.min(nearest[cone.bone] as number, coneDistance(cone, p))
  const best = nearest.indexOf(Math.min(...nearest))
  const neighbours = [...Array(BONE_COUNT).keys()].filter(
    bone => bone !== best && (parentOf(bone) === best || parentOf(best) === bone),
  )
  const second = neighbours.sort((a, b) => (nearest[a] as number) - (nearest[b] as number))[0] ?? best
  const gap = (nearest[second] as number) - (nearest[best] as number)
  const share = second === best ? 0 : 0.5 * Math.exp(-gap / BLEND)
  return { bones: [best, second, 0, 0], weights: [1 - share, share, 0, 0] }
}

function parentOf(bone: number): number {
  if (bone === 0) return -1
  return (bone - 1) % 3 === 0 ? 0 : bone - 1
}

/** Below zero inside the hand; pieces melt into each other where they meet. */
function skinDistance(cones: readonly Cone[], p: Vec3): number {
  let sum = 0
  for (const cone of cones) sum += Math.exp((-coneDistance(cone, p) * 4) / ROUND)
  return (-ROUND / 4) * Math.log(sum)
}

function gradient(cones: readonly Cone[], p: Vec3): Vector3 {
  const step = 0.0008
  const along = (x: number, y: number, z: number): number =>
    skinDistance(cones, [p[0] + x, p[1] + y, p[2] + z]) - skinDistance(cones, [p[0] - x, p[1] - y, p[2] - z])
  return new Vector3(along(step, 0, 0), along(0, step, 0), along(0, 0, step)).normalize()
}

/** Distance to a cone with rounded ends; hands are flatter than they are wide. */
function coneDistance({ a, b, ra, rb, bone }: Cone, p: Vec3): number {
  const flat = bone === 0 ? 1.22 : 1
  const d: Vec3 = [b[0] - a[0], (b[1] - a[1]) * flat, b[2] - a[2]]
  const e: Vec3 = [p[0] - a[0], (p[1] - a[1]) * flat, p[2] - a[2]]
  const t = Math.min(
    Math.max((d[0] * e[0] + d[1] * e[1] + d[2] * e[2]) / (d[0] ** 2 + d[1] ** 2 + d[2] ** 2), 0),
    1,
  )
  return Math.hypot(e[0] - d[0] * t, e[1] - d[1] * t, e[2] - d[2] * t) - (ra + (rb - ra) * t)
}

/** Rotation of each bone against its parent at rest. */
export function restRotations({ bones, parents }: HandShape): Quaternion[] {
  const world = bones.map(matrix => new Quaternion().setFromRotationMatrix(matrix))
  return world.map((rotation, bone) => {
    const parent = world[parents[bone] as number]
    return parent ? parent.clone().invert().multiply(rotation) : rotation.clone()
  })
}

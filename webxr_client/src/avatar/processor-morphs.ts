import { BufferAttribute, BufferGeometry } from 'three'
import type { AnyMesh } from './mesh'

/** One target: where it moves something, and by how much (x, y, z for each such vertex). */
interface Target {
  vertices: Uint32Array
  positions: Float32Array
  normals: Float32Array | null
}

/** What the copies of an avatar share. */
interface Shape {
  positions: Float32Array
  normals: Float32Array | null
  targets: Target[]
}

const shapes = new WeakMap<BufferGeometry, Shape>()

/**
 * Adds up a mesh's morph targets before it is drawn: each moves a few vertices, and software GL would look up all of
 * them at every vertex.
 */
export class ProcessorMorphs {
  readonly #influences: number[]
  readonly #applied: Float32Array
  readonly #shape: Shape
  readonly #positions: BufferAttribute
  readonly #normals: BufferAttribute | null

  private constructor(mesh: AnyMesh, influences: number[], shape: Shape) {
    this.#influences = influences
    this.#applied = new Float32Array(influences.length)
    this.#shape = shape
    this.#positions = new BufferAttribute(shape.positions.slice(), 3)
    this.#normals = shape.normals && new BufferAttribute(shape.normals.slice(), 3)
    // All else is shared; the targets stay behind, so that the graphics never see them.
    const source = mesh.geometry
    const geometry = new BufferGeometry()
    geometry.setIndex(source.index)
    for (const [name, attribute] of Object.entries(source.attributes)) geometry.setAttribute(name, attribute)
    geometry.setAttribute('position', this.#positions)
    if (this.#normals) geometry.setAttribute('normal', this.#normals)
    geometry.boundingBox = source.boundingBox
    geometry.boundingSphere = source.boundingSphere
    shapes.set(geometry, shape)
    mesh.geometry = geometry
  }

  /** Takes a mesh's targets over; null where it has none, or gives them in another way than by differences. */
  static of(mesh: AnyMesh): ProcessorMorphs | null {
    const influences = mesh.morphTargetInfluences
    const shape = shapes.get(mesh.geometry) ?? shapeOf(mesh.geometry)
    return influences && shape ? new ProcessorMorphs(mesh, influences, shape) : null
  }

  /** Moves the vertices as the mesh's influences ask, if those have changed. */
  apply(): void {
    const influences = this.#influences
    const applied = this.#applied
    if (influences.every((weight, i) => applied[i] === Math.fround(weight))) return
    applied.set(influences)
    const { positions, normals, targets } = this.#shape
    this.#positions.array.set(positions)
    this.#positions.needsUpdate = true
    if (this.#normals && normals) {
      this.#normals.array.set(normals)
      this.#normals.needsUpdate = true
    }
    targets.forEach((target, i) => {
      const weight = influences[i] ?? 0
      if (weight === 0) return
      add(this.#positions.array as Float32Array, target.vertices, target.positions, weight)
      if (this.#normals && target.normals)
        add(this.#normals.array as Float32Array, target.vertices, target.normals, weight)
    })
  }
}

/** How far a morph target moves each vertex of a mesh up, whoever adds the targets up; null: it has no such target. */
export function liftOf(mesh: AnyMesh, target: string): ((vertex: number) => number) | null {
  const at = mesh.morphTargetDictionary?.[target]
  if (at === undefined) return null
  const sparse = shapes.get(mesh.geometry)?.targets[at]
  if (sparse) {
    const lifts = new Map(
      Array.from(sparse.vertices, (vertex, i) => [vertex, sparse.positions[i * 3 + 1] ?? 0]),
    )
    return vertex => lifts.get(vertex) ?? 0
  }
  const attribute = mesh.geometry.morphAttributes['position']?.[at]
  return attribute ? vertex => attribute.getY(vertex) : null
}

function shapeOf(geometry: BufferGeometry): Shape | null {
  const moves = geometry.morphAttributes['position']
  const turns = geometry.morphAttributes['normal']
  const { position, normal } = geometry.attributes
  if (!moves || !position || !geometry.morphTargetsRelative) return null
  const targets = moves.map((move, i) => {
    const turn = normal ? turns?.[i] : undefined
    const vertices: number[] = []
    for (let v = 0; v < move.count; v++) {
      const still = move.getX(v) === 0 && move.getY(v) === 0 && move.getZ(v) === 0
      if (!still || (turn && (turn.getX(v) !== 0 || turn.getY(v) !== 0 || turn.getZ(v) !== 0)))
        vertices.push(v)
    }
    return {
      vertices: Uint32Array.from(vertices),
      positions: read(move, vertices),
      normals: turn ? read(turn, vertices) : null,
    }
  })
  const all = Array.from({ length: position.count }, (_, v) => v)
  return { positions: read(position, all), normals: normal ? read(normal, all) : null, targets }
}

type Readable = Pick<BufferAttribute, 'getX' | 'getY' | 'getZ'>

function read(attribute: Readable, vertices: readonly number[]): Float32Array {
  return Float32Array.from(vertices.flatMap(v => [attribute.getX(v), attribute.getY(v), attribute.getZ(v)]))
}

function add(to: Float32Array, vertices: Uint32Array, by: Float32Array, weight: number): void {
  for (let i = 0; i < vertices.length; i++) {
    const at = (vertices[i] as number) * 3
    to[at] = (to[at] as number) + weight * (by[i * 3] as number)
    to[at + 1] = (to[at + 1] as number) + weight * (by[i * 3 + 1] as number)
    to[at + 2] = (to[at + 2] as number) + weight * (by[i * 3 + 2] as number)
  }
}

import { type Mesh, type Object3D, Vector3 } from 'three'

/** The two vertices in the middle of the inner lips, on the mesh that draws them. */
export interface LipPair {
  mesh: Mesh
  upper: number
  lower: number
}

const a = new Vector3()
const b = new Vector3()

/** Distance of the inner lips in metres as the mesh is drawn now: morphs and bones evaluated on the CPU. */
export function lipOpening(lips: LipPair): number {
  lips.mesh.getVertexPosition(lips.upper, a)
  lips.mesh.getVertexPosition(lips.lower, b)
  return a.distanceTo(b) * lips.mesh.getWorldScale(scale).x
}

const scale = new Vector3()

/**
 * Finds the inner lips of an avatar whose file does not name them: near the midline, the two vertices that lie
 * together at rest and are furthest apart when `open` has opened the mouth. `open` and `close` pose the avatar.
 */
export function findLips(
  root: Object3D,
  meshes: readonly Mesh[],
  open: () => void,
  close: () => void,
): LipPair | null {
  let best: LipPair | null = null
  let bestScore = 0.004
  for (const mesh of meshes) {
    const middle = midline(mesh)
    if (middle.length < 2) continue
    const read = (): Vector3[] => middle.map(index => mesh.getVertexPosition(index, new Vector3()))
    close()
    root.updateMatrixWorld(true)
    const shut = read()
    open()
    root.updateMatrixWorld(true)
    const wide = read()
    for (let i = 0; i < middle.length; i++) {
      for (let j = i + 1; j < middle.length; j++) {
        const p = shut[i] as Vector3
        const q = shut[j] as Vector3
        if (Math.abs(p.y - q.y) > 0.0015 || Math.abs(p.z - q.z) > 0.0015 || Math.abs(p.x - q.x) > 0.0015)
          continue
        // Lips that meet at rest and part the most; a millimetre apart at rest is dearer than one gained.
        const score = (wide[i] as Vector3).distanceTo(wide[j] as Vector3) - 6 * p.distanceTo(q)
        if (score <= bestScore) continue
        bestScore = score
        const iIsUpper = (wide[i] as Vector3).y > (wide[j] as Vector3).y
        best = { mesh, upper: middle[iIsUpper ? i : j] as number, lower: middle[iIsUpper ? j : i] as number }
      }
    }
  }
  close()
  root.updateMatrixWorld(true)
  return best
}

/** Vertices within 2 mm of the plane of symmetry, in front and below the eyes; at most some hundreds. */
function midline(mesh: Mesh): number[] {
  const position = mesh.geometry.getAttribute('position')
  if (mesh.morphTargetInfluences === undefined && !('skeleton' in mesh)) return []
  const found: number[] = []
  for (let i = 0; i < position.count; i++) {
    mesh.getVertexPosition(i, a)
    if (Math.abs(a.x) < 0.002 && a.z > -0.03 && a.y < 0 && a.y > -0.14) found.push(i)
  }
  return found.length <= 1500 ? found : found.filter((_, i) => i % Math.ceil(found.length / 1500) === 0)
}

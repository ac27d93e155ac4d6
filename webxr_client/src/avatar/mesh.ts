import { type BufferGeometry, type Material, Mesh, type Object3D } from 'three'

export type AnyMesh = Mesh<BufferGeometry, Material | Material[]>

/** A mesh with its types: `instanceof Mesh` alone would give it `any` parts. */
export function isMesh(node: Object3D): node is AnyMesh {
  return node instanceof Mesh
}

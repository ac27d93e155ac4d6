import {
  type Material,
  MeshLambertMaterial,
  MeshPhysicalMaterial,
  MeshStandardMaterial,
  type Object3D,
  Texture,
} from 'three'
import { eyeLike } from './eye'
import { hairLike } from './hair'
import { type AnyMesh, isMesh } from './mesh'
import { plainLike } from './plain'
import { skinLike } from './skin'
import { drawn } from './toon'

/** How much the machine can afford: low is for software rendering and far seats. */
export type Quality = 'low' | 'medium' | 'high'

export type Look = 'shadow' | 'skin' | 'eye' | 'cornea' | 'tear' | 'wet' | 'teeth' | 'hair' | 'lash' | 'other'

/** What a mesh or material is, by its name. */
export function lookOf(name: string): Look {
  const n = name.toLowerCase()
  if (/shadow/.test(n)) return 'shadow'
  if (/lash/.test(n)) return 'lash'
  if (/cornea/.test(n)) return 'cornea'
  if (/tear/.test(n)) return 'tear'
  if (/wet|caruncle/.test(n)) return 'wet'
  if (/hair|brow|mous|beard|wig|strand/.test(n)) return 'hair'
  if (/teeth|tooth/.test(n)) return 'teeth'
  if (/gum|tongue|mouth/.test(n)) return 'wet'
  if (/eye|iris|sclera/.test(n)) return 'eye'
  if (/skin|face|head|ear|neck|body/.test(n)) return 'skin'
  return 'other'
}

/** What a mesh is, by its material's own statement (extras.likeness.kind) or by name. */
function lookOfMesh(mesh: AnyMesh, source: Material): Look {
  const stated = source.userData['likeness'] as { kind?: unknown } | undefined
  const kind = typeof stated?.kind === 'string' ? stated.kind : ''
  if (kind === 'shadow') return 'shadow'
  if (kind === 'hair') return 'hair'
  if (kind === 'skin') return 'skin'
  if (kind === 'eyes') return 'eye'
  if (kind === 'mouth') return 'wet'
  if (kind === 'tear') return 'tear'
  return lookOf(mesh.name || source.name)
}

/** Replaces a mesh's material by one that looks the part; textures and colours of the file are kept. */
export function dress(mesh: AnyMesh, quality: Quality): void {
  const source = Array.isArray(mesh.material) ? mesh.material[0] : mesh.material
  if (!(source instanceof MeshStandardMaterial)) return
  const look = lookOfMesh(mesh, source)
  const style = (source.userData['likeness'] as { style?: unknown } | undefined)?.style
  mesh.material =
    style === 'toon'
      ? drawn(source, look === 'eye')
      : quality === 'low'
        ? plainLike(source, look)
        : rich(source, look, mesh.morphTargetDictionary ?? {})
  mesh.userData['look'] = look
  // A lash casts a shadow thinner than the map's texel: it would only flicker.
  mesh.castShadow = look === 'skin' || look === 'hair' || look === 'other'
  mesh.receiveShadow = look !== 'cornea' && look !== 'tear' && look !== 'lash' && look !== 'shadow'
  if (look === 'cornea' || look === 'tear') mesh.renderOrder = 2
}

/** Undoes `dress`: frees the material and its textures. */
export function undress(mesh: AnyMesh): void {
  for (const material of Array.isArray(mesh.material) ? mesh.material : [mesh.material]) {
    const held: unknown[] = Object.values(material)
    for (const value of held.concat(material.userData['wrinkleMap'])) {
      if (value instanceof Texture) value.dispose()
    }
    material.dispose()
  }
}

/** Gives every mesh under `root` the cheapest lit material that keeps its colours: for software GL. */
export function cheapen(root: Object3D): void {
  root.traverse(node => {
    if (isMesh(node) && node.material instanceof MeshStandardMaterial) node.material = cheap(node.material)
  })
}

function cheap(source: MeshStandardMaterial): MeshLambertMaterial {
  const material = new MeshLambertMaterial({
    name: source.name,
    color: source.color,
    map: source.map,
    vertexColors: source.vertexColors,
    side: source.side,
    transparent: source.transparent,
    opacity: source.opacity,
    alphaTest: source.alphaTest,
    depthWrite: source.depthWrite,
  })
  source.dispose()
  return material
}

function rich(source: MeshStandardMaterial, look: Look, morphs: Record<string, number>): Material {
  const material = new MeshPhysicalMaterial()
  // copy() clones userData by way of JSON, which is no way to treat a texture.
  const { userData } = source
  source.userData = {}
  // MeshPhysicalMaterial.copy wants a physical source, so take the standard part alone.
  MeshStandardMaterial.prototype.copy.call(material, source)
  material.defines = { STANDARD: '', PHYSICAL: '' }
  if (source instanceof MeshPhysicalMaterial) material.copy(source)
  material.userData = userData
  if (material.map) material.map.anisotropy = 8
  switch (look) {
    case 'skin':
      material.specularIntensity = 0.7
      skinLike(material, morphs)
      break
    case 'eye':
      material.roughness = 0.12
      material.specularIntensity = 1
      material.envMapIntensity = 0.75
      eyeLike(material)
      break
    case 'cornea':
      material.transparent = true
      material.opacity = Math.min(material.opacity, 0.18)
      material.roughness = 0.02
      material.specularIntensity = 1
      material.depthWrite = false
      material.envMapIntensity = 1.6
      break
    case 'tear':
      material.roughness = 0.1
      material.specularIntensity = 1
      material.depthWrite = false
      material.envMapIntensity = 2.2
      break
    case 'wet':
      material.roughness = Math.min(material.roughness, 0.28)
      material.specularIntensity = 0.8
      break
    case 'teeth':
      material.roughness = 0.25
      break
    case 'hair':
    case 'lash':
      material.roughness = Math.max(material.roughness, 0.6)
      material.envMapIntensity = source.transparent ? 0.25 : 0.8
      hairLike(material)
      break
    case 'shadow':
      material.specularIntensity = 0
      break
    case 'other':
      material.roughness = Math.max(material.roughness, 0.7)
      break
  }
  return material
}

import {
  Color,
  DoubleSide,
  type Material,
  MeshLambertMaterial,
  MeshPhysicalMaterial,
  MeshStandardMaterial,
  type Object3D,
  ShaderChunk,
  Texture,
} from 'three'
import { type AnyMesh, isMesh } from './mesh'

/** How much the machine can afford: low is for software rendering and far seats. */
export type Quality = 'low' | 'medium' | 'high'

export type Look = 'shadow' | 'skin' | 'eye' | 'cornea' | 'wet' | 'teeth' | 'hair' | 'lash' | 'other'

/** What a mesh or material is, by its name. */
export function lookOf(name: string): Look {
  const n = name.toLowerCase()
  if (/shadow/.test(n)) return 'shadow'
  if (/lash/.test(n)) return 'lash'
  if (/cornea/.test(n)) return 'cornea'
  if (/tear|wet|caruncle/.test(n)) return 'wet'
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
  return lookOf(mesh.name || source.name)
}

/** Replaces a mesh's material by one that looks the part; textures and colours of the file are kept. */
export function dress(mesh: AnyMesh, quality: Quality): void {
  const source = Array.isArray(mesh.material) ? mesh.material[0] : mesh.material
  if (!(source instanceof MeshStandardMaterial)) return
  const look = lookOfMesh(mesh, source)
  mesh.material = quality === 'low' ? plain(source, look) : rich(source, look)
  mesh.userData['look'] = look
  // A lash casts a shadow thinner than the map's texel: it would only flicker.
  mesh.castShadow = look === 'skin' || look === 'hair' || look === 'other'
  mesh.receiveShadow = look !== 'cornea' && look !== 'lash' && look !== 'shadow'
  if (look === 'cornea') mesh.renderOrder = 2
}

/** Undoes `dress`: frees the material and its textures. */
export function undress(mesh: AnyMesh): void {
  for (const material of Array.isArray(mesh.material) ? mesh.material : [mesh.material]) {
    for (const value of Object.values(material)) if (value instanceof Texture) value.dispose()
    material.dispose()
  }
}

/** Gives every mesh under `root` the cheapest lit material that keeps its colours: for software GL. */
export function cheapen(root: Object3D): void {
  root.traverse(node => {
    if (isMesh(node) && node.material instanceof MeshStandardMaterial) node.material = cheap(node.material)
  })
}

function plain(source: MeshStandardMaterial, look: Look): Material {
  const material = cheap(source)
  if (look === 'hair' || look === 'lash') {
    material.side = DoubleSide
    if (source.transparent) material.depthWrite = false
  }
  return material
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

function rich(source: MeshStandardMaterial, look: Look): Material {
  const material = new MeshPhysicalMaterial()
  // MeshPhysicalMaterial.copy wants a physical source, so take the standard part alone.
  MeshStandardMaterial.prototype.copy.call(material, source)
  material.defines = { STANDARD: '', PHYSICAL: '' }
  if (source instanceof MeshPhysicalMaterial) material.copy(source)
  if (material.map) material.map.anisotropy = 8
  switch (look) {
    case 'skin':
      material.specularIntensity = 0.55
      // A faint oily second lobe on top and the fuzz of vellus hair at grazing angles.
      material.clearcoat = 0.06
      material.clearcoatRoughness = 0.42
      material.sheen = 0.22
      material.sheenColor = new Color(0.9, 0.48, 0.36)
      material.sheenRoughness = 0.5
      wrapLight(material)
      break
    case 'eye':
      material.roughness = 0.32
      material.clearcoat = 1
      material.clearcoatRoughness = 0.02
      material.envMapIntensity = 1.3
      break
    case 'cornea':
      material.transparent = true
      material.opacity = Math.min(material.opacity, 0.18)
      material.roughness = 0.02
      material.specularIntensity = 1
      material.depthWrite = false
      material.envMapIntensity = 1.6
      break
    case 'wet':
      material.roughness = Math.min(material.roughness, 0.35)
      material.clearcoat = 0.6
      material.clearcoatRoughness = 0.15
      break
    case 'teeth':
      material.roughness = 0.28
      material.clearcoat = 0.5
      material.clearcoatRoughness = 0.08
      break
    case 'hair':
    case 'lash':
      hairEdges(material)
      material.roughness = Math.max(material.roughness, 0.5)
      material.sheen = 0.3
      material.sheenRoughness = 0.45
      material.sheenColor = new Color(0.35, 0.35, 0.36)
      break
    case 'shadow':
      material.specularIntensity = 0
      break
    case 'other':
      material.sheen = 0.35
      material.sheenRoughness = 0.7
      material.sheenColor = new Color(0.22, 0.22, 0.26)
      break
  }
  return material
}

/** Alpha to coverage: strands get smooth edges without sorting. Finer ones come blended and stay so. */
function hairEdges(material: MeshStandardMaterial): void {
  material.side = DoubleSide
  if (material.transparent) material.depthWrite = false
  else if (material.alphaTest > 0) material.alphaToCoverage = true
}

const DIRECT = 'vec3 irradiance = dotNL * directLight.color;'

/**
 * Cheap subsurface scattering: light wraps past the terminator, red furthest, as it does through skin; the
 * specular term keeps the geometric cosine.
 */
function wrapLight(material: MeshStandardMaterial): void {
  const chunk = ShaderChunk.lights_physical_pars_fragment
  if (!chunk.includes(DIRECT)) return
  const wrapped = chunk.replace(
    DIRECT,
    `vec3 skinWrap = vec3( 0.30, 0.12, 0.07 );
    vec3 irradiance = clamp( ( vec3( dot( geometryNormal, directLight.direction ) ) + skinWrap ) / ( 1.0 + skinWrap ), 0.0, 1.0 ) * directLight.color;`,
  )
  material.onBeforeCompile = shader => {
    shader.fragmentShader = shader.fragmentShader.replace('#include <lights_physical_pars_fragment>', wrapped)
  }
  material.customProgramCacheKey = () => 'likeness-skin'
}

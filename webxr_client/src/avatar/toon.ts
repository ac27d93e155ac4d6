import {
  DataTexture,
  DoubleSide,
  type Material,
  MeshToonMaterial,
  type MeshStandardMaterial,
  NearestFilter,
  RedFormat,
} from 'three'
import { replaced } from './shader'
import { hairEdges } from './hair'

/** A drawn look: three flat tones, an ink line where the surface turns away, no highlights but the eyes'. */
export function drawn(source: MeshStandardMaterial, eyes: boolean): Material {
  const tones = new DataTexture(new Uint8Array([110, 205, 255]), 3, 1, RedFormat)
  tones.minFilter = tones.magFilter = NearestFilter
  tones.needsUpdate = true
  const material = new MeshToonMaterial({
    name: source.name,
    color: source.color,
    map: source.map,
    gradientMap: tones,
    vertexColors: source.vertexColors,
    transparent: source.transparent,
    opacity: source.opacity,
    alphaTest: source.alphaTest,
    depthWrite: source.depthWrite,
    side: source.side,
  })
  if (source.alphaTest > 0) hairEdges(material as unknown as MeshStandardMaterial)
  if (source.transparent) material.side = DoubleSide
  material.onBeforeCompile = shader => {
    const ink = eyes
      ? `vec3 inkHalf = normalize( normalize( ( viewMatrix * vec4( 0.35, 0.55, 0.75, 0.0 ) ).xyz ) + normalize( vViewPosition ) );
         outgoingLight += step( 0.9935, dot( normalize( vNormal ), inkHalf ) );`
      : `float inkFacing = abs( dot( normalize( vNormal ), normalize( vViewPosition ) ) );
         outgoingLight *= mix( vec3( 0.16, 0.10, 0.10 ), vec3( 1.0 ), smoothstep( 0.16, 0.24, inkFacing ) );`
    shader.fragmentShader = replaced(
      shader.fragmentShader,
      '#include <opaque_fragment>',
      `${source.transparent ? '' : ink}\n#include <opaque_fragment>`,
    )
  }
  material.customProgramCacheKey = () => `likeness-toon ${eyes} ${source.transparent}`
  source.dispose()
  return material
}

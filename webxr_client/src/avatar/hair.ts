import {
  AddEquation,
  CustomBlending,
  DoubleSide,
  type Material,
  type MeshStandardMaterial,
  OneFactor,
  ShaderChunk,
  ZeroFactor,
} from 'three'
import { replaced } from './shader'

/** All cards' normals point away from the head: turned round on their backs, they would be black there. */
const OUTWARD = [
  '#include <normal_fragment_begin>',
  '#include <normal_fragment_begin>\nnormal *= faceDirection;\nnonPerturbedNormal = normal;',
] as const

/**
 * Strands: a band of light across them (Kajiya and Kay 1989) in place of the highlight of a flat ribbon, and edges
 * by alpha to coverage, which needs no sorting.
 */
export function hairLike(material: MeshStandardMaterial): void {
  hairEdges(material)
  // Blended hairs (lashes, brows) are single and matt: a band of light would grey them.
  const fine = material.transparent ? '0.12' : '1.0'
  const lights = replaced(
    ShaderChunk.lights_physical_pars_fragment,
    'vec3 specularBRDF = BRDF_GGX( directLight.direction, geometryViewDir, geometryNormal, material );',
    `vec3 hairHalf = normalize( directLight.direction + geometryViewDir );
    float hairTH = dot( hairAlong, hairHalf );
    float hairSin = sqrt( max( 1.0 - hairTH * hairTH, 0.0 ) );
    vec3 specularBRDF = ${fine} * ( 0.06 * pow( hairSin, 90.0 ) * ( 0.35 + hairTint ) + 0.10 * pow( hairSin, 18.0 ) * hairTint );
    irradiance *= mix( 1.0, smoothstep( 0.3, 0.9, 1.0 - saturate( dot( geometryNormal, geometryViewDir ) ) ), saturate( - 1.2 * dot( directLight.direction, geometryViewDir ) ) );`,
  )
  if (!material.map) return
  material.onBeforeCompile = shader => {
    shader.fragmentShader = [
      [
        '#include <common>',
        '#include <common>\nvec3 hairAlong = vec3( 0.0, 1.0, 0.0 );\nvec3 hairTint = vec3( 0.0 );',
      ],
      ['#include <lights_physical_pars_fragment>', lights],
      OUTWARD,
      [
        '#include <normal_fragment_maps>',
        `#include <normal_fragment_maps>
        {
          vec3 px = dFdx( - vViewPosition ), py = dFdy( - vViewPosition );
          vec2 ux = dFdx( vMapUv ), uy = dFdy( vMapUv );
          vec3 along = cross( py, normal ) * ux.y + cross( normal, px ) * uy.y;
          hairAlong = normalize( along + normal * 1e-9 );
          // Each strand lies a little differently.
          hairAlong = normalize( hairAlong + normal * 0.35 * ( texture2D( map, vMapUv ).g - 0.8 ) );
          hairTint = sqrt( diffuseColor.rgb );
        }`,
      ],
    ].reduce((text, [from, to]) => replaced(text, from, to), shader.fragmentShader)
  }
  material.customProgramCacheKey = () => `likeness-hair ${fine}`
}

/**
 * Smooth edges without sorting; finer hair comes blended and stays so. The coverage goes into the samples, never
 * into the picture's own alpha: there, the page behind the canvas would shine through every hair's edge.
 */
export function hairEdges(material: MeshStandardMaterial): void {
  bothSides(material)
  if (!material.transparent && material.alphaTest > 0) {
    material.alphaToCoverage = true
    material.blending = CustomBlending
    material.blendEquation = AddEquation
    material.blendSrc = OneFactor
    material.blendDst = ZeroFactor
    material.blendSrcAlpha = ZeroFactor
    material.blendDstAlpha = OneFactor
  }
}

/** A card has no back; blended ones hide nothing behind them. */
function bothSides(material: Material): void {
  material.side = DoubleSide
  if (material.transparent) material.depthWrite = false
}

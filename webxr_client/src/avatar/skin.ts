import { MeshPhysicalMaterial, type MeshStandardMaterial, ShaderChunk, Texture } from 'three'
import type { GLTF, GLTFLoaderPlugin, GLTFParser } from 'three/addons/loaders/GLTFLoader.js'
import { replaced } from './shader'

/**
 * Reads the wrinkles of skin: the texture that a material's `extras.likeness.wrinkles` names by its index, kept in
 * the material's userData. Its red holds the height of forehead and smile lines, its green frown and chin lines,
 * its blue crow's feet: 0.5 is level, 0 and 1 are a millimetre below and above.
 */
export function readWrinkles(parser: GLTFParser): GLTFLoaderPlugin {
  return {
    name: 'likeness_wrinkles',
    async afterRoot(gltf: GLTF): Promise<void> {
      const found = new Set<MeshStandardMaterial>()
      gltf.scene.traverse(node => {
        const material = (node as { material?: unknown }).material as MeshStandardMaterial | undefined
        if (material && typeof wrinklesOf(material) === 'number') found.add(material)
      })
      for (const material of found) {
        const texture = (await parser.getDependency('texture', wrinklesOf(material) as number)) as unknown
        if (texture instanceof Texture) material.userData['wrinkleMap'] = texture
      }
    },
  }
}

function wrinklesOf(material: MeshStandardMaterial): unknown {
  return (material.userData['likeness'] as { wrinkles?: unknown } | undefined)?.wrinkles
}

/**
 * Skin that light enters. Diffuse light wraps past the terminator and sees a smoother surface, red most, as it does
 * through flesh; what is hollow is shaded fully from the sky and half from the lamps; light from behind grazes the
 * outline only. Expressions fold it where `material.userData.wrinkleMap` says so.
 */
export function skinLike(material: MeshPhysicalMaterial, morphs: Record<string, number>): void {
  const wrinkles = material.userData['wrinkleMap'] as Texture | undefined
  const folds = wrinkles && material.map ? foldWeights(morphs) : ''
  const lights = replaced(
    replaced(
      ShaderChunk.lights_physical_pars_fragment,
      'vec3 irradiance = dotNL * directLight.color;',
      `vec3 skinSoft = normalize( vNormal );
      float skinFacing = saturate( dot( skinSoft, geometryViewDir ) );
      float skinBehind = saturate( 0.15 - 2.2 * dot( directLight.direction, geometryViewDir ) );
      vec3 skinLight = directLight.color * mix( 1.0, smoothstep( 0.45, 0.95, 1.0 - skinFacing ), skinBehind );
      vec3 irradiance = dotNL * skinLight;
      vec3 skinCos = mix( vec3( dot( geometryNormal, directLight.direction ) ), vec3( dot( skinSoft, directLight.direction ) ), vec3( 0.6, 0.35, 0.28 ) );
      vec3 skinWrap = vec3( 0.17, 0.115, 0.095 );
      vec3 skinDiffuse = clamp( ( skinCos + skinWrap ) / ( 1.0 + skinWrap ), 0.0, 1.0 );
      skinDiffuse *= smoothstep( - 0.03, 0.16, skinDiffuse ) * skinLight;
      skinDiffuse *= inversesqrt( clamp( skinOpen, 0.25, 1.0 ) );`,
    ),
    'reflectedLight.directDiffuse += irradiance * diffuseBRDF * ( 1.0 - F );',
    `reflectedLight.directDiffuse += skinDiffuse * diffuseBRDF * ( 1.0 - F );`,
  )
  material.onBeforeCompile = shader => {
    if (folds) {
      shader.uniforms['wrinkleMap'] = { value: wrinkles }
      shader.vertexShader = replaced(
        replaced(shader.vertexShader, '#include <common>', '#include <common>\nvarying vec3 vFold;'),
        '#include <begin_vertex>',
        `#include <begin_vertex>\n${folds}`,
      )
    }
    shader.fragmentShader = [
      ['#include <common>', `#include <common>\nvec3 skinOpen = vec3( 1.0 );\n${folds ? FOLD_PARS : ''}`],
      ['#include <lights_physical_pars_fragment>', lights],
      [
        '#include <color_fragment>',
        `#include <color_fragment>
        #if defined( USE_COLOR ) || defined( USE_COLOR_ALPHA )
          skinOpen = vColor.rgb;
        #endif`,
      ],
      ['#include <normal_fragment_maps>', `#include <normal_fragment_maps>\n${folds ? FOLD : ''}`],
      [
        '#include <lights_fragment_end>',
        `#include <lights_fragment_end>
        reflectedLight.directSpecular *= skinOpen.g;
        reflectedLight.indirectSpecular *= skinOpen.g * skinOpen.g;`,
      ],
    ].reduce((text, [from, to]) => replaced(text, from as string, to as string), shader.fragmentShader)
  }
  material.customProgramCacheKey = () => `likeness-skin ${folds}`
}

/** A GLSL sum of morph weights, zero where the mesh has none of them. */
function weight(morphs: Record<string, number>, terms: Record<string, number>): string {
  const parts = Object.entries(terms)
    .filter(([name]) => name in morphs)
    .map(([name, share]) => `${share.toFixed(2)} * morphTargetInfluences[ ${morphs[name]} ]`)
  return parts.length > 0 ? parts.join(' + ') : '0.0'
}

/** Vertex code for how far each kind of fold is drawn here: by the expression's weights, the side and the height. */
function foldWeights(morphs: Record<string, number>): string {
  if (!('browInnerUp' in morphs) && !('mouthSmileLeft' in morphs)) return ''
  const sided = (terms: Record<string, number>): string => {
    const of = (side: string): string =>
      weight(morphs, Object.fromEntries(Object.entries(terms).map(([name, share]) => [name + side, share])))
    return `mix( ${of('Right')}, ${of('Left')}, foldLeft )`
  }
  return `
  float foldLeft = smoothstep( -0.012, 0.012, position.x );
  float foldOut = smoothstep( 0.004, 0.032, abs( position.x ) );
  float foldForehead = ( ${weight(morphs, { browInnerUp: 0.9 })} ) * ( 1.0 - 0.55 * foldOut )
    + ( ${sided({ browOuterUp: 0.8 })} ) * foldOut;
  float foldSmile = ${sided({ mouthSmile: 0.8, noseSneer: 0.6, mouthUpperUp: 0.45, cheekSquint: 0.3 })};
  float foldFrown = ${sided({ browDown: 0.95, noseSneer: 0.4 })};
  float foldChin = ${weight(morphs, { mouthShrugLower: 0.9, mouthPressLeft: 0.3, mouthPressRight: 0.3, mouthRollLower: 0.25 })};
  float foldEye = ${sided({ eyeSquint: 0.65, mouthSmile: 0.55, cheekSquint: 0.4 })};
  vFold = clamp( vec3(
    mix( foldSmile, foldForehead, smoothstep( 0.004, 0.016, position.y ) ),
    mix( foldChin, foldFrown, smoothstep( -0.08, -0.06, position.y ) ),
    foldEye ), 0.0, 1.2 );`
}

const FOLD_PARS = `
uniform sampler2D wrinkleMap;
varying vec3 vFold;
float foldHeight( const in vec2 at ) { return dot( texture2D( wrinkleMap, at ).rgb - 0.5, vFold ); }`

/** Bump mapping of unparametrised surfaces (Mikkelsen 2010) with the height in metres, and a little shade in the folds. */
const FOLD = `
if ( vFold.x + vFold.y + vFold.z > 0.02 ) {
  float foldHere = foldHeight( vMapUv );
  vec2 foldSlope = vec2( foldHeight( vMapUv + dFdx( vMapUv ) ), foldHeight( vMapUv + dFdy( vMapUv ) ) ) - foldHere;
  foldSlope *= 0.002;
  vec3 foldX = dFdx( - vViewPosition ), foldY = dFdy( - vViewPosition );
  vec3 foldR1 = cross( foldY, normal ), foldR2 = cross( normal, foldX );
  float foldDet = dot( foldX, foldR1 );
  vec3 foldGrad = sign( foldDet ) * ( foldSlope.x * foldR1 + foldSlope.y * foldR2 );
  normal = normalize( abs( foldDet ) * normal - foldGrad );
  diffuseColor.rgb *= 1.0 - vec3( 0.7, 0.95, 1.0 ) * clamp( - 1.1 * foldHere, 0.0, 0.5 );
}`

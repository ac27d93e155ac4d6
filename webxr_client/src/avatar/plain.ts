import {
  DoubleSide,
  FrontSide,
  LinearMipmapNearestFilter,
  MeshLambertMaterial,
  type MeshStandardMaterial,
} from 'three'
import type { Look } from './materials'

/**
 * What software GL can draw at the size of the screen. A processor pays for each pixel of each layer, so hair, whose
 * cards lie many deep, and cloth are lit at their vertices, and everything else by a few operations a pixel. The
 * light is the stage's: as much of it as the rich materials show without maps of surroundings and shadows.
 */
export function plainLike(source: MeshStandardMaterial, look: Look): MeshLambertMaterial {
  const cards = look === 'hair' || look === 'lash'
  // Our own cards face outwards, above an opaque scalp; a guest's may not.
  const outward = cards && source.userData['likeness'] !== undefined && !source.transparent
  const material = new MeshLambertMaterial({
    name: source.name,
    color: source.color,
    map: source.map,
    normalMap: look === 'skin' ? source.normalMap : null,
    normalScale: source.normalScale,
    vertexColors: source.vertexColors,
    side: outward ? FrontSide : cards ? DoubleSide : source.side,
    transparent: source.transparent,
    opacity: source.opacity,
    alphaTest: source.alphaTest,
    depthWrite: source.depthWrite,
    // A blended card has no back that is drawn before its front.
    forceSinglePass: true,
    visible: look !== 'tear' && look !== 'cornea',
  })
  if (cards && source.transparent) material.depthWrite = false
  if (material.map) material.map.minFilter = LinearMipmapNearestFilter
  const kind = KINDS[look] ?? 'PLAIN_PIXEL'
  material.onBeforeCompile = shader => {
    shader.vertexShader = `#define ${kind}\n${VERTEX}`.replace('LIGHT_HERE', LIGHT)
    shader.fragmentShader = `#define ${kind}\n${FRAGMENT}`.replace('LIGHT_HERE', LIGHT)
  }
  material.customProgramCacheKey = () => `likeness-plain ${kind}`
  source.dispose()
  return material
}

const KINDS: Partial<Record<Look, string>> = {
  skin: 'PLAIN_SKIN',
  eye: 'PLAIN_EYE',
  hair: 'PLAIN_VERTEX',
  lash: 'PLAIN_VERTEX',
  other: 'PLAIN_VERTEX',
  shadow: 'PLAIN_VERTEX',
}

/** Irradiance over pi at a normal in view space: lamps wrapped by `soft`, and the room's fill, a little from the front. */
const LIGHT = `
vec3 plainLamps( const in vec3 n, const in vec3 soft ) {
  vec3 sum = vec3( 0.0 );
  #if NUM_DIR_LIGHTS > 0
  #pragma unroll_loop_start
  for ( int i = 0; i < NUM_DIR_LIGHTS; i ++ ) {
    sum += directionalLights[ i ].color * clamp( ( dot( n, directionalLights[ i ].direction ) + soft ) / ( 1.0 + soft ), 0.0, 1.0 );
  }
  #pragma unroll_loop_end
  #endif
  return sum * RECIPROCAL_PI;
}
vec3 plainFill( const in vec3 n ) {
  vec3 sum = ambientLightColor;
  #if NUM_HEMI_LIGHTS > 0
  #pragma unroll_loop_start
  for ( int i = 0; i < NUM_HEMI_LIGHTS; i ++ ) sum += getHemisphereLightIrradiance( hemisphereLights[ i ], n );
  #pragma unroll_loop_end
  #endif
  return sum * ( 0.8 + 0.4 * max( n.z, 0.0 ) ) * RECIPROCAL_PI;
}`

const VERTEX = `
#include <common>
#include <uv_pars_vertex>
#include <morphtarget_pars_vertex>
#include <skinning_pars_vertex>
varying vec4 vShade;
#ifdef PLAIN_VERTEX
  uniform vec3 diffuse;
  #include <lights_pars_begin>
  LIGHT_HERE
#else
  varying vec3 vNormal;
  varying vec3 vViewPosition;
#endif
void main() {
  #include <uv_vertex>
  #include <beginnormal_vertex>
  #include <morphnormal_vertex>
  #include <skinbase_vertex>
  #include <skinnormal_vertex>
  #include <defaultnormal_vertex>
  #include <begin_vertex>
  #include <morphtarget_vertex>
  #include <skinning_vertex>
  #include <project_vertex>
  vShade = vec4( 1.0 );
  #ifdef USE_COLOR_ALPHA
    vShade = color;
  #elif defined( USE_COLOR )
    vShade.rgb = color;
  #endif
  vec3 plainN = normalize( transformedNormal );
  #ifdef PLAIN_VERTEX
    vShade.rgb *= diffuse * ( plainLamps( plainN, vec3( 0.15 ) ) + plainFill( plainN ) );
  #else
    vNormal = plainN;
    vViewPosition = - mvPosition.xyz;
  #endif
}`

const FRAGMENT = `
uniform vec3 diffuse;
uniform float opacity;
#include <common>
#include <uv_pars_fragment>
#include <map_pars_fragment>
#include <alphatest_pars_fragment>
varying vec4 vShade;
#ifndef PLAIN_VERTEX
  varying vec3 vNormal;
  varying vec3 vViewPosition;
  #include <normalmap_pars_fragment>
  #include <lights_pars_begin>
  LIGHT_HERE
#endif
void main() {
  vec4 diffuseColor = vec4( vShade.rgb, vShade.a * opacity );
  #include <map_fragment>
  #include <alphatest_fragment>
  #ifdef PLAIN_VERTEX
    vec3 outgoingLight = diffuseColor.rgb;
  #else
    diffuseColor.rgb *= diffuse;
    vec3 normal = normalize( vNormal );
    vec3 toViewer = normalize( vViewPosition );
    #ifdef USE_NORMALMAP_TANGENTSPACE
      vec3 mapN = texture2D( normalMap, vNormalMapUv ).xyz * 2.0 - 1.0;
      mapN.xy *= normalScale;
      normal = normalize( getTangentFrame( - vViewPosition, normal, vNormalMapUv ) * mapN );
    #endif
    float shine = 0.0;
    #if NUM_DIR_LIGHTS > 0
      // Only the key light is seen as a highlight.
      shine = max( dot( normal, normalize( directionalLights[ 0 ].direction + toViewer ) ), 0.0 );
      shine *= shine; shine *= shine; shine *= shine;
    #endif
    #if defined( PLAIN_SKIN )
      // Light enters and comes out redder; what is hollow is shaded fully from the room and half from the lamps.
      vec3 light = plainLamps( normal, vec3( 0.24, 0.16, 0.13 ) ) * inversesqrt( clamp( vShade.rgb, 0.25, 1.0 ) ) + plainFill( normal );
      float edge = 1.0 - max( dot( normal, toViewer ), 0.0 );
      vec3 outgoingLight = diffuseColor.rgb * light + vShade.g * ( 0.05 * shine * shine + 0.05 * edge * edge * edge );
    #elif defined( PLAIN_EYE )
      vec3 outgoingLight = diffuseColor.rgb * ( plainLamps( normal, vec3( 0.5 ) ) + plainFill( normal ) );
      vec3 window = normalize( normalize( ( viewMatrix * vec4( 0.34, 0.36, 0.86, 0.0 ) ).xyz ) + toViewer );
      outgoingLight += 0.8 * smoothstep( 0.9945, 0.9975, dot( normalize( vNormal ), window ) );
    #else
      vec3 outgoingLight = diffuseColor.rgb * ( plainLamps( normal, vec3( 0.1 ) ) + plainFill( normal ) ) + vShade.rgb * 0.12 * shine * shine * shine;
    #endif
  #endif
  #include <opaque_fragment>
  #include <tonemapping_fragment>
  #include <colorspace_fragment>
}`

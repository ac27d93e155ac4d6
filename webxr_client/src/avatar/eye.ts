import type { MeshPhysicalMaterial } from 'three'
import { replaced } from './shader'

/**
 * Eyes that are wet and deep: the iris lies behind the cornea and shifts with the view, light gathers on its far
 * side, the limbus is dark, and a soft window is reflected whatever shades the lids throw.
 */
export function eyeLike(material: MeshPhysicalMaterial): void {
  if (!material.map) return
  material.onBeforeCompile = shader => {
    shader.fragmentShader = [
      ['#include <map_fragment>', MAP],
      ['#include <lights_fragment_end>', `#include <lights_fragment_end>\n${WINDOW}`],
    ].reduce((text, [from, to]) => replaced(text, from as string, to as string), shader.fragmentShader)
  }
  material.customProgramCacheKey = () => 'likeness-eye'
}

/** The texture is laid out by angle from the eye's axis; the iris ends at 0.145 from its middle. */
const MAP = `
vec2 eyeAt = vMapUv - 0.5;
float eyeOut = length( eyeAt );
float eyeIris = 1.0 - smoothstep( 0.120, 0.150, eyeOut );
vec3 eyeN = normalize( vNormal );
vec3 eyePx = dFdx( - vViewPosition ), eyePy = dFdy( - vViewPosition );
vec2 eyeUx = dFdx( vMapUv ), eyeUy = dFdy( vMapUv );
vec3 eyeR1 = cross( eyePy, eyeN ), eyeR2 = cross( eyeN, eyePx );
vec3 eyeTu = normalize( eyeR1 * eyeUx.x + eyeR2 * eyeUy.x + 1e-9 );
vec3 eyeTv = normalize( eyeR1 * eyeUx.y + eyeR2 * eyeUy.y + 1e-9 );
vec3 eyeV = normalize( vViewPosition );
vec2 eyeShift = - vec2( dot( eyeV, eyeTu ), dot( eyeV, eyeTv ) ) * 0.045 * eyeIris * ( 1.0 - smoothstep( 0.05, 0.14, eyeOut ) * 0.8 );
vec4 sampledDiffuseColor = texture2D( map, vMapUv + eyeShift );
float eyeRing = smoothstep( 0.095, 0.135, eyeOut ) * ( 1.0 - smoothstep( 0.140, 0.165, eyeOut ) );
sampledDiffuseColor.rgb *= 1.0 - 0.45 * eyeRing;
diffuseColor *= sampledDiffuseColor;`

/** A soft window up in front, seen in the cornea; and its light, gathered on the opposite side of the iris. */
const WINDOW = `
vec3 eyeLamp = normalize( ( viewMatrix * vec4( 0.34, 0.36, 0.86, 0.0 ) ).xyz );
vec3 eyeHalf = normalize( eyeLamp + geometryViewDir );
float eyeGlint = smoothstep( 0.9944, 0.9972, dot( normalize( vNormal ), eyeHalf ) );
reflectedLight.directSpecular += vec3( 1.0, 0.97, 0.92 ) * 1.1 * eyeGlint * smoothstep( 0.2, 0.5, dot( eyeN, eyeLamp ) + 0.2 );
vec2 eyeFrom = vec2( dot( eyeLamp, eyeTu ), dot( eyeLamp, eyeTv ) );
float eyeCaustic = eyeIris * smoothstep( 0.045, 0.11, eyeOut ) * saturate( - dot( normalize( eyeAt + 1e-6 ), normalize( eyeFrom + 1e-6 ) ) );
reflectedLight.directDiffuse *= 1.0 + 0.55 * eyeCaustic;
reflectedLight.indirectDiffuse *= 1.0 + 0.45 * eyeCaustic;
reflectedLight.indirectSpecular *= 1.0 - 0.6 * eyeIris;`

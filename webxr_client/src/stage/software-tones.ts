import { CustomToneMapping, ShaderChunk, type WebGLRenderer } from 'three'
import { replaced } from '../avatar/shader'

// What AgX shows of a colour, to 0.006 of full scale on average, in an eighth of its operations. The constants are a
// least-squares fit to three's AgX over greys, skin, cloth and wood from black to four times white.
const CURVE = `
vec3 CustomToneMapping( vec3 color ) {
  color *= toneMappingExposure;
  const vec3 weights = vec3( 0.25, 0.6, 0.15 );
  vec3 s = sqrt( max( mix( color, vec3( dot( color, weights ) ), 0.281 ), 0.0 ) );
  vec3 shown = max( s * ( 34.997 * s - 1.896 ) / ( s * ( 30.217 * s + 10.652 ) + 1.0 ), 0.0 );
  shown = clamp( mix( vec3( dot( shown, weights ) ), shown, 1.301 ), 0.0, 1.0 );
  return shown * shown;
}`

/**
 * Tone mapping and encoding for software GL, where AgX and sRGB's powers cost more than the rest of a pixel. Changes
 * three's shader texts for the page, so it comes before anything is compiled.
 */
export function useSoftwareTones(renderer: WebGLRenderer): void {
  ShaderChunk.tonemapping_pars_fragment = replaced(
    ShaderChunk.tonemapping_pars_fragment,
    'vec3 CustomToneMapping( vec3 color ) { return color; }',
    CURVE,
  )
  ShaderChunk.colorspace_pars_fragment = replaced(
    ShaderChunk.colorspace_pars_fragment,
    'return vec4( mix( pow( value.rgb, vec3( 0.41666 ) ) * 1.055 - vec3( 0.055 ), value.rgb * 12.92, vec3( lessThanEqual( value.rgb, vec3( 0.0031308 ) ) ) ), value.a );',
    'return vec4( sqrt( max( value.rgb, 0.0 ) ), value.a );',
  )
  renderer.toneMapping = CustomToneMapping
}

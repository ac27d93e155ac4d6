import {
  FramebufferTexture,
  LinearFilter,
  Mesh,
  OrthographicCamera,
  PlaneGeometry,
  RawShaderMaterial,
  Scene,
  Vector2,
  type WebGLRenderer,
} from 'three'

const VERTEX = `
attribute vec3 position;
attribute vec2 uv;
varying vec2 at;
void main() { at = uv; gl_Position = vec4(position.xy * 2.0, 0.0, 1.0); }`

// The copied pixels are finished: tone mapped and encoded. Between them a cubic B-spline is drawn, whose 16 pixels
// are four linear look-ups (Sigg and Hadwiger, GPU Gems 2, chapter 20): a straight line between pixels shows a mosaic.
const FRAGMENT = `
precision highp float;
uniform sampler2D picture;
uniform vec2 size;
varying vec2 at;
void main() {
  vec2 place = at * size - 0.5;
  vec2 f = fract(place), r = 1.0 - f, base = place - f + 0.5;
  vec2 w0 = r * r * r / 6.0, w3 = f * f * f / 6.0;
  vec2 w1 = 2.0 / 3.0 - 0.5 * f * f * (2.0 - f);
  vec2 w2 = 1.0 - w0 - w1 - w3;
  vec2 left = w0 + w1, right = w2 + w3;
  vec2 a = (base - 1.0 + w1 / left) / size, b = (base + 1.0 + w3 / right) / size;
  vec3 low = mix(texture2D(picture, vec2(b.x, a.y)).rgb, texture2D(picture, a).rgb, left.x);
  vec3 high = mix(texture2D(picture, b).rgb, texture2D(picture, vec2(a.x, b.y)).rgb, left.x);
  gl_FragColor = vec4(mix(high, low, left.y), 1.0);
}`

/**
 * Draws the scene small and enlarges it: what slow graphics can afford, while the mark, drawn afterwards, stays
 * as sharp as the screen.
 */
export class Enlarger {
  readonly #material = new RawShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: { picture: { value: null }, size: { value: new Vector2(1, 1) } },
    depthTest: false,
    depthWrite: false,
  })
  readonly #scene = new Scene()
  readonly #camera = new OrthographicCamera()
  #texture = new FramebufferTexture(1, 1)

  constructor() {
    const quad = new Mesh(new PlaneGeometry(1, 1), this.#material)
    quad.frustumCulled = false
    this.#scene.add(quad)
  }

  /** Calls `draw` with the viewport shrunk to `share` of the canvas, then fills the canvas with the result. */
  draw(renderer: WebGLRenderer, share: number, draw: () => void): void {
    renderer.getSize(size)
    const ratio = renderer.getPixelRatio()
    const width = Math.max(1, Math.round(size.x * share))
    const height = Math.max(1, Math.round(size.y * share))
    renderer.setViewport(0, 0, width, height)
    renderer.setScissor(0, 0, width, height)
    renderer.setScissorTest(true)
    draw()
    renderer.setScissorTest(false)
    const [w, h] = [Math.floor(width * ratio), Math.floor(height * ratio)]
    if (this.#texture.image.width !== w || this.#texture.image.height !== h) {
      this.#texture.dispose()
      this.#texture = new FramebufferTexture(w, h)
      this.#texture.magFilter = LinearFilter
      this.#texture.minFilter = LinearFilter
      this.#texture.generateMipmaps = false
      const picture = this.#material.uniforms['picture']
      if (picture) picture.value = this.#texture
      ;(this.#material.uniforms['size']?.value as Vector2).set(w, h)
    }
    renderer.copyFramebufferToTexture(this.#texture)
    renderer.setViewport(0, 0, size.x, size.y)
    const autoClear = renderer.autoClear
    renderer.autoClear = false
    renderer.render(this.#scene, this.#camera)
    renderer.autoClear = autoClear
  }
}

const size = new Vector2()

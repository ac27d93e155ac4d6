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

// The copied pixels are finished: tone mapped and encoded. They go through as they are.
const FRAGMENT = `
precision mediump float;
uniform sampler2D picture;
varying vec2 at;
void main() { gl_FragColor = vec4(texture2D(picture, at).rgb, 1.0); }`

/**
 * Draws the scene small and enlarges it: what slow graphics can afford, while the mark, drawn afterwards, stays
 * as sharp as the screen.
 */
export class Enlarger {
  readonly #material = new RawShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: { picture: { value: null } },
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

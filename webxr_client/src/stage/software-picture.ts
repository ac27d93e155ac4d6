import {
  Box3,
  type Camera,
  FramebufferTexture,
  GLSL3,
  type Group,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  OrthographicCamera,
  PlaneGeometry,
  RawShaderMaterial,
  Scene,
  SRGBColorSpace,
  Vector2,
  Vector3,
  WebGLRenderTarget,
  type WebGLRenderer,
} from 'three'
import { isMesh } from '../avatar/mesh'
import { around, type Region } from './region'

const VERTEX = `
in vec3 position;
in vec2 uv;
out vec2 at;
void main() { at = uv; gl_Position = vec4(position.xy * 2.0, 1.0, 1.0); }`

// Both are finished: tone mapped and encoded. The layer's edges are premultiplied, for it was cleared to nothing.
const FRAGMENT = `
precision highp float;
uniform sampler2D kept;
uniform sampler2D moving;
in vec2 at;
out vec4 colour;
void main() {
  vec4 over = texture(moving, at);
  vec3 shown = over.rgb;
  if (over.a < 1.0) shown += texelFetch(kept, ivec2(gl_FragCoord.xy), 0).rgb * (1.0 - over.a);
  colour = vec4(shown, 1.0);
}`

/** Something that may hide who stands behind it. */
interface Screen {
  mesh: Object3D
  nearest: number
}

/** What a picture is made of, beside the scene. */
export interface Frame {
  /** Where something moves; the canvas has one pixel for each of CSS's. */
  region: Region
  /** How far away that may be, metres. */
  farthest: number
  /** What will be drawn over the picture. */
  over: Region
  /** Pixels for each of the canvas's, along a side, that what moves is drawn with. */
  share: number
}

/**
 * A picture as software GL can afford it. What stands still is drawn once, as sharp as the screen, and kept for as
 * long as neither it nor the camera moves; what moves is drawn smaller, into a transparent layer that is laid over
 * it, with the set's depth, so that who stands behind a desk stays behind it. While the camera moves everything is in
 * that layer.
 */
export class SoftwarePicture {
  readonly #still: Group
  readonly #moving: Group
  readonly #layer = finishedTarget()
  readonly #laying = new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: { kept: { value: null }, moving: { value: this.#layer.texture } },
    depthTest: false,
    depthWrite: false,
  })
  readonly #depth = new MeshBasicMaterial({ colorWrite: false })
  readonly #scene = new Scene()
  readonly #camera = new OrthographicCamera()
  #kept: FramebufferTexture | null = null
  #screens: Screen[] = []
  /** The view of the last picture, and of the kept one. */
  #view = ''
  #keptView = ''
  #last: Region = { x: 0, y: 0, width: 0, height: 0 }

  /** `still` and `moving`: the two groups of the scene, whose lights are in neither. */
  constructor(still: Group, moving: Group) {
    this.#still = still
    this.#moving = moving
    const quad = new Mesh(new PlaneGeometry(1, 1), this.#laying)
    quad.frustumCulled = false
    this.#scene.add(quad)
  }

  /** What stood still has changed: it is drawn again. */
  forget(): void {
    this.#keptView = ''
  }

  /** Draws the scene onto the canvas. */
  draw(
    renderer: WebGLRenderer,
    scene: Scene,
    camera: Camera,
    { region, farthest, over, share }: Frame,
  ): void {
    renderer.getDrawingBufferSize(size)
    this.#layer.setSize(Math.max(1, Math.round(size.x * share)), Math.max(1, Math.round(size.y * share)))
    const view = viewKey(camera)
    const turning = view !== this.#view && this.#view !== ''
    this.#view = view
    if (turning) {
      this.#keptView = ''
      this.#drawLayer(renderer, () => renderer.render(scene, camera), null)
      this.#lay(renderer, null)
      return
    }
    if (view !== this.#keptView) {
      this.#moving.visible = false
      renderer.render(scene, camera)
      this.#moving.visible = true
      this.#keep(renderer)
      this.#screens = screensOf(this.#still, camera)
      this.#keptView = view
      // The layer may hold all of a turning view.
      this.#last = { x: 0, y: 0, width: size.x, height: size.y }
    }
    // Where something was a picture ago, nothing may be any more.
    const changed = around(region, this.#last)
    this.#last = region
    const drawn = (): void => {
      this.#drawMoving(renderer, scene, camera, farthest)
    }
    this.#drawLayer(renderer, drawn, changed)
    this.#lay(renderer, changed)
    this.#lay(renderer, over)
  }

  /** Calls `draw` with the layer, or a part of it, cleared. */
  #drawLayer(renderer: WebGLRenderer, draw: () => void, part: Region | null): void {
    const { width, height } = this.#layer
    const [across, up] = [width / size.x, height / size.y]
    this.#layer.scissorTest = part !== null
    // A pixel more on each side, for the linear look-up.
    if (part)
      this.#layer.scissor.set(
        Math.floor(part.x * across) - 1,
        Math.floor(part.y * up) - 1,
        Math.ceil(part.width * across) + 3,
        Math.ceil(part.height * up) + 3,
      )
    renderer.setRenderTarget(this.#layer)
    renderer.setClearColor(0, 0)
    renderer.clear()
    draw()
    renderer.setRenderTarget(null)
  }

  #drawMoving(renderer: WebGLRenderer, scene: Scene, camera: Camera, farthest: number): void {
    const { background } = scene
    const { autoClear } = renderer
    renderer.autoClear = false
    scene.background = null
    const behind = this.#screens.filter(({ nearest }) => nearest > farthest)
    if (behind.length < this.#screens.length) {
      scene.overrideMaterial = this.#depth
      this.#moving.visible = false
      for (const { mesh } of behind) mesh.visible = false
      renderer.render(scene, camera)
      for (const { mesh } of behind) mesh.visible = true
      this.#moving.visible = true
      scene.overrideMaterial = null
    }
    this.#still.visible = false
    renderer.render(scene, camera)
    this.#still.visible = true
    renderer.autoClear = autoClear
    scene.background = background
  }

  /** Lays the layer over what is kept: in one part of the canvas, or everywhere. */
  #lay(renderer: WebGLRenderer, part: Region | null): void {
    if (part && (part.width <= 0 || part.height <= 0)) return
    const { autoClear } = renderer
    renderer.autoClear = false
    renderer.setScissorTest(part !== null)
    if (part) renderer.setScissor(part.x, part.y, part.width, part.height)
    renderer.render(this.#scene, this.#camera)
    renderer.setScissorTest(false)
    renderer.autoClear = autoClear
  }

  #keep(renderer: WebGLRenderer): void {
    if (this.#kept?.image.width !== size.x || this.#kept.image.height !== size.y) {
      this.#kept?.dispose()
      this.#kept = new FramebufferTexture(size.x, size.y)
      const kept = this.#laying.uniforms['kept']
      if (kept) kept.value = this.#kept
    }
    renderer.copyFramebufferToTexture(this.#kept)
  }
}

/** What a camera sees of which canvas, in words; a movement of less than a pixel's tenth is none. */
function viewKey(camera: Camera): string {
  const numbers = [...camera.matrixWorld.elements, ...camera.projectionMatrix.elements]
  return `${numbers.map(each => each.toFixed(4)).join()} ${size.x} ${size.y}`
}

/** A target that is drawn to as the screen is, tone mapped and encoded: three does so for a headset's only. */
function finishedTarget(): WebGLRenderTarget {
  const target = new WebGLRenderTarget(1, 1, { colorSpace: SRGBColorSpace, internalFormat: 'RGBA8' })
  return Object.assign(target, { isXRRenderTarget: true })
}

/** The visible meshes under `root`, with how near to the camera each can come, metres. */
function screensOf(root: Object3D, camera: Camera): Screen[] {
  const screens: Screen[] = []
  root.traverseVisible(mesh => {
    if (!isMesh(mesh)) return
    box.setFromObject(mesh)
    screens.push({ mesh, nearest: box.distanceToPoint(eye.setFromMatrixPosition(camera.matrixWorld)) })
  })
  return screens
}

const size = new Vector2()
const box = new Box3()
const eye = new Vector3()

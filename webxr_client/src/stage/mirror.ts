import { type Camera, type Object3D, PlaneGeometry, Vector2, Vector3, type WebGLRenderer } from 'three'
import { Reflector } from 'three/addons/objects/Reflector.js'
import { DIRECT, MIRRORED } from './layers'

/**
 * A mirror that reflects the scene for whoever looks, each eye of a headset from its own point. It costs a second,
 * smaller picture, and only while it is in view.
 */
export class Mirror {
  /** Reflects towards its +z. */
  readonly mesh: Reflector
  #seen = false
  #busy = false

  readonly #share: number
  readonly #size: readonly [number, number]

  /** `look.share`: of the picture's pixels along a side; `samples`: of multisampling, 0 for none. */
  constructor(
    width: number,
    height: number,
    look: { share: number; samples: number },
    surroundings: Object3D,
  ) {
    this.#share = look.share
    this.#size = [width, height]
    const { samples } = look
    this.mesh = new Reflector(new PlaneGeometry(width, height), { clipBias: 0.002, multisample: samples })
    const reflect = this.mesh.onBeforeRender.bind(this.mesh)
    this.mesh.onBeforeRender = (renderer, scene, camera, ...rest) => {
      // A mirror that is seen in a mirror shows what it showed last.
      if (this.#busy) return
      this.#busy = true
      this.#fit(renderer)
      this.#prepare(camera)
      // Whoever draws the set only once still sees it reflected.
      const { visible } = surroundings
      surroundings.visible = true
      reflect(renderer, scene, camera, ...rest)
      surroundings.visible = visible
      this.#busy = false
      this.#seen = true
    }
  }

  /** Whether the picture since `beginPicture` shows it. */
  get seen(): boolean {
    return this.#seen
  }

  beginPicture(): void {
    this.#seen = false
  }

  /** Its corners, in the world. */
  corners(): Vector3[] {
    const [width, height] = this.#size
    this.mesh.updateWorldMatrix(true, false)
    return [-0.5, 0.5].flatMap(x =>
      [-0.5, 0.5].map(y => new Vector3(x * width, y * height, 0).applyMatrix4(this.mesh.matrixWorld)),
    )
  }

  dispose(): void {
    this.mesh.removeFromParent()
    this.mesh.geometry.dispose()
    this.mesh.dispose()
  }

  /** In a mirror one sees oneself, and no text that hangs before one's eyes. */
  #prepare(camera: Camera): void {
    const { layers } = this.mesh.getReflectionCamera(camera)
    layers.mask = camera.layers.mask
    layers.enable(MIRRORED)
    layers.disable(DIRECT)
  }

  #fit(renderer: WebGLRenderer): void {
    if (renderer.xr.isPresenting) {
      const layer = renderer.xr.getBaseLayer()
      const width = layer instanceof XRWebGLLayer ? layer.framebufferWidth : (layer?.textureWidth ?? 2048)
      size.set(
        width / 2,
        layer instanceof XRWebGLLayer ? layer.framebufferHeight : (layer?.textureHeight ?? 1024),
      )
    } else renderer.getDrawingBufferSize(size)
    const target = this.mesh.getRenderTarget()
    const width = Math.max(64, Math.round(size.x * this.#share))
    const height = Math.max(64, Math.round(size.y * this.#share))
    if (target.width !== width || target.height !== height) target.setSize(width, height)
  }
}

const size = new Vector2()

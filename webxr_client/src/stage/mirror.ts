import { type Camera, PlaneGeometry, Vector2, type WebGLRenderer } from 'three'
import { Reflector } from 'three/addons/objects/Reflector.js'
import { DIRECT, MIRRORED } from './layers'

/** A reflection has this share of the picture's pixels a side. */
const SHARE = 0.5

/**
 * A mirror that reflects the scene for whoever looks, each eye of a headset from its own point. It costs a second,
 * smaller picture, and only while it is in view.
 */
export class Mirror {
  /** Reflects towards its +z. */
  readonly mesh: Reflector
  /** Share of the canvas that the picture is drawn with (see Enlarger). */
  share = 1
  #seen = false
  #busy = false

  /** `samples`: of multisampling, 0 for none. */
  constructor(width: number, height: number, samples: number) {
    this.mesh = new Reflector(new PlaneGeometry(width, height), { clipBias: 0.002, multisample: samples })
    const reflect = this.mesh.onBeforeRender.bind(this.mesh)
    this.mesh.onBeforeRender = (renderer, scene, camera, ...rest) => {
      // A mirror that is seen in a mirror shows what it showed last.
      if (this.#busy) return
      this.#busy = true
      this.#fit(renderer)
      this.#prepare(camera)
      reflect(renderer, scene, camera, ...rest)
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
    const width = Math.max(64, Math.round(size.x * this.share * SHARE))
    const height = Math.max(64, Math.round(size.y * this.share * SHARE))
    if (target.width !== width || target.height !== height) target.setSize(width, height)
  }
}

const size = new Vector2()

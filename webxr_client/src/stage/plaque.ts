import { CanvasTexture, Mesh, MeshStandardMaterial, PlaneGeometry, SRGBColorSpace } from 'three'
import { DIRECT, MIRRORED } from './layers'
import { brush } from './paint'

/**
 * A small brass plate in the scene with an avatar's mark on it: the mark in 3D, beside the head-locked one. A
 * mirror sees a plate of its own, written the other way round, so that the mark reads in the reflection, too.
 */
export class Plaque {
  readonly meshes: readonly Mesh[]
  readonly #canvas = document.createElement('canvas')
  readonly #texture: CanvasTexture
  readonly #material: MeshStandardMaterial
  #text = ''

  constructor() {
    this.#canvas.width = 1024
    this.#canvas.height = 128
    this.#texture = new CanvasTexture(this.#canvas)
    this.#texture.colorSpace = SRGBColorSpace
    this.#texture.anisotropy = 8
    this.#material = new MeshStandardMaterial({ map: this.#texture, roughness: 0.38, metalness: 0.55 })
    this.meshes = [DIRECT, MIRRORED].map(layer => {
      const geometry = new PlaneGeometry(0.36, 0.045)
      const { uv } = geometry.attributes
      if (layer === MIRRORED && uv) for (let i = 0; i < uv.count; i++) uv.setX(i, 1 - uv.getX(i))
      const mesh = new Mesh(geometry, this.#material)
      mesh.layers.set(layer)
      return mesh
    })
  }

  /** Hangs it at a point relative to the head's origin. */
  hang(at: { x: number; y: number; z: number; tilt: number }): void {
    for (const mesh of this.meshes) {
      mesh.position.set(at.x, at.y, at.z)
      mesh.rotation.x = at.tilt
    }
  }

  setText(text: string): void {
    if (text === this.#text) return
    this.#text = text
    const context = brush(this.#canvas)
    if (!context) return
    const { width, height } = this.#canvas
    const brass = context.createLinearGradient(0, 0, width, height)
    brass.addColorStop(0, '#b08d4f')
    brass.addColorStop(0.5, '#d9bd83')
    brass.addColorStop(1, '#a07f45')
    context.fillStyle = brass
    context.fillRect(0, 0, width, height)
    context.strokeStyle = 'rgba(40, 28, 10, 0.55)'
    context.lineWidth = 3
    context.strokeRect(10, 10, width - 20, height - 20)
    let size = 46
    do {
      context.font = `600 ${size}px ui-serif, Georgia, "Times New Roman", serif`
      size -= 2
    } while (context.measureText(text).width > width - 70 && size > 16)
    context.fillStyle = '#20170a'
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    context.fillText(text, width / 2, height / 2 + 2)
    this.#texture.needsUpdate = true
  }

  dispose(): void {
    for (const mesh of this.meshes) {
      mesh.removeFromParent()
      mesh.geometry.dispose()
    }
    this.#texture.dispose()
    this.#material.dispose()
  }
}

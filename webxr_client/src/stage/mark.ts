import {
  type Camera,
  CanvasTexture,
  LinearFilter,
  Mesh,
  MeshBasicMaterial,
  OrthographicCamera,
  PlaneGeometry,
  Quaternion,
  Scene,
  SRGBColorSpace,
  Vector3,
  type WebGLRenderer,
} from 'three'
import type { GeneratedTag } from '../wire/messages'
import { brush } from './paint'
import type { Region } from './region'

export interface MarkProbe {
  text: string
  /** Share of the mark's pixels that are on the picture as drawn, 0..1. */
  ink: number
  x: number
  y: number
  width: number
  height: number
}

/** The words a client must show for a tag; empty if the tag does not say that the stream is generated. */
export function markText(tag: GeneratedTag): string {
  if (!tag.generated) return ''
  if (tag.mark.startsWith('GEN')) return tag.mark
  const whom = tag.portrays || tag.character
  return whom ? `GEN - ${whom} - driven by: ${tag.drivenBy || 'unknown'}` : ''
}

const FONT = '600 44px ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif'
const PAD_X = 34
const LINE = 84

/**
 * The visible mark. It is drawn into the picture itself, after everything else and without depth, so that no
 * style or element of the page can cover it without covering the avatar too. Where it cannot be drawn,
 * `drawable` is false and the stage draws no avatar.
 */
export class Mark {
  readonly #canvas = document.createElement('canvas')
  readonly #context = brush(this.#canvas)
  #texture = this.#newTexture()
  readonly #material = new MeshBasicMaterial({
    map: this.#texture,
    transparent: true,
    depthTest: false,
    depthWrite: false,
    toneMapped: false,
    fog: false,
  })
  readonly #screenPlane = new Mesh(new PlaneGeometry(1, 1), this.#material)
  readonly #screenScene = new Scene()
  readonly #screenCamera = new OrthographicCamera(0, 1, 1, 0, -1, 1)
  /** Head-locked plane for the headset; the stage adds it to its scene. */
  readonly headPlane = new Mesh(new PlaneGeometry(1, 1), this.#material)
  #lines: string[] = []
  #rectangle = { x: 0, y: 0, width: 0, height: 0 }
  #region: Region = { x: 0, y: 0, width: 0, height: 0 }
  #drawn = false

  constructor() {
    this.#screenScene.add(this.#screenPlane)
    this.headPlane.renderOrder = 10_000
    this.headPlane.frustumCulled = false
    this.headPlane.visible = false
  }

  get text(): string {
    return this.#lines.join('\n')
  }

  /** True if there is a mark to draw and something to draw it with. */
  get drawable(): boolean {
    return (
      this.#context !== null && this.#lines.length > 0 && this.#lines.every(line => line.startsWith('GEN'))
    )
  }

  /** True if the last picture carries the mark. */
  get visible(): boolean {
    return this.drawable && this.#drawn
  }

  /** One line for each avatar in the picture. */
  setLines(lines: readonly string[]): void {
    if (lines.length === this.#lines.length && lines.every((line, i) => line === this.#lines[i])) return
    this.#lines = [...lines]
    this.#paint()
  }

  beginPicture(): void {
    this.#drawn = false
  }

  /** What the last mark on the screen covered, CSS pixels from the lower left corner. */
  get region(): Region {
    return this.#region
  }

  /** Draws the mark over the finished picture, lower left. */
  drawScreen(renderer: WebGLRenderer, cssWidth: number, cssHeight: number, bottom: number): void {
    if (!this.drawable) return
    // Narrow windows shrink the mark to fit, never below what can be read.
    const scale = Math.min(0.38, (cssWidth - 24) / this.#canvas.width)
    const width = this.#canvas.width * scale
    const height = this.#canvas.height * scale
    const x = 16
    const y = bottom + 14
    this.#screenCamera.right = cssWidth
    this.#screenCamera.top = cssHeight
    this.#screenCamera.updateProjectionMatrix()
    this.#screenPlane.scale.set(width, height, 1)
    this.#screenPlane.position.set(x + width / 2, y + height / 2, 0)
    this.#rectangle = { x, y: cssHeight - y - height, width, height }
    this.#region = { x: x - 1, y: y - 1, width: width + 2, height: height + 2 }
    const autoClear = renderer.autoClear
    renderer.autoClear = false
    renderer.render(this.#screenScene, this.#screenCamera)
    renderer.autoClear = autoClear
    this.#drawn = true
  }

  /** Keeps the head-locked mark low in the headset's view. */
  placeInHeadset(camera: Camera): void {
    if (!this.drawable) {
      this.headPlane.visible = false
      return
    }
    const width = 0.34
    this.headPlane.visible = true
    this.headPlane.scale.set(width, (width * this.#canvas.height) / this.#canvas.width, 1)
    camera.getWorldPosition(position)
    camera.getWorldQuaternion(rotation)
    this.headPlane.position.set(0, -0.235, -0.8).applyQuaternion(rotation).add(position)
    this.headPlane.quaternion.copy(rotation)
    this.#drawn = true
  }

  hideInHeadset(): void {
    this.headPlane.visible = false
  }

  /** Reads the drawn pixels back, right after `drawScreen`, and compares them with the mark. */
  probe(renderer: WebGLRenderer): MarkProbe {
    const { x, y, width, height } = this.#rectangle
    const ratio = renderer.getPixelRatio()
    const box = {
      x: Math.round(x * ratio),
      y: Math.round(y * ratio),
      width: Math.max(1, Math.round(width * ratio)),
      height: Math.max(1, Math.round(height * ratio)),
    }
    const result = { text: this.text, ink: 0, ...box }
    if (!this.visible || !this.#context) return result
    const gl = renderer.getContext()
    const pixels = new Uint8Array(box.width * box.height * 4)
    const bottom = gl.drawingBufferHeight - box.y - box.height
    gl.readPixels(box.x, bottom, box.width, box.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels)
    // The same mark at the same size on a plain canvas says where light letters belong.
    const copy = document.createElement('canvas')
    copy.width = box.width
    copy.height = box.height
    const context = brush(copy)
    if (!context) return result
    context.drawImage(this.#canvas, 0, 0, box.width, box.height)
    const wanted = context.getImageData(0, 0, box.width, box.height).data
    let letters = 0
    let found = 0
    for (let row = 0; row < box.height; row++) {
      for (let column = 0; column < box.width; column++) {
        const from = (row * box.width + column) * 4
        if (luminance(wanted, from) < 150 || (wanted[from + 3] as number) < 200) continue
        letters++
        if (luminance(pixels, ((box.height - 1 - row) * box.width + column) * 4) > 95) found++
      }
    }
    result.ink = letters > 0 ? found / letters : 0
    return result
  }

  #newTexture(): CanvasTexture {
    const texture = new CanvasTexture(this.#canvas)
    texture.colorSpace = SRGBColorSpace
    texture.minFilter = LinearFilter
    texture.generateMipmaps = false
    return texture
  }

  #paint(): void {
    const context = this.#context
    if (!context || this.#lines.length === 0) return
    context.font = FONT
    const widest = Math.max(...this.#lines.map(line => context.measureText(line).width))
    this.#canvas.width = Math.min(2048, Math.ceil(widest + PAD_X * 2))
    this.#canvas.height = LINE * this.#lines.length
    context.font = FONT
    context.textBaseline = 'middle'
    this.#lines.forEach((line, i) => {
      const top = i * LINE + 4
      context.fillStyle = 'rgba(10, 11, 14, 0.78)'
      context.beginPath()
      context.roundRect(2, top, context.measureText(line).width + PAD_X * 2 - 4, LINE - 8, 14)
      context.fill()
      context.fillStyle = '#f4efe3'
      context.fillText(line, PAD_X, top + LINE / 2 - 2)
    })
    // A texture's size is fixed once it is on the GPU, so a new size wants a new texture.
    this.#texture.dispose()
    this.#texture = this.#newTexture()
    this.#material.map = this.#texture
    this.#material.needsUpdate = true
  }
}

const position = new Vector3()
const rotation = new Quaternion()

function luminance(data: ArrayLike<number>, at: number): number {
  return 0.2126 * (data[at] as number) + 0.7152 * (data[at + 1] as number) + 0.0722 * (data[at + 2] as number)
}

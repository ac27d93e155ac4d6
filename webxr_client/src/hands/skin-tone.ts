import { Color, MeshLambertMaterial, MeshStandardMaterial, SRGBColorSpace } from 'three'
import type { AnyMesh } from '../avatar/mesh'

const SIZE = 24
const DEFAULT = 0xc79a7c

/** The colour of an avatar's skin, from the middle tones of its texture; a common one where that cannot be read. */
export function skinTone(meshes: readonly AnyMesh[]): Color {
  const skin = meshes.find(mesh => mesh.userData['look'] === 'skin')
  const material = Array.isArray(skin?.material) ? skin.material[0] : skin?.material
  if (!(material instanceof MeshStandardMaterial || material instanceof MeshLambertMaterial))
    return new Color(DEFAULT)
  const image: unknown = material.map?.image
  if (!isPicture(image)) return material.map ? new Color(DEFAULT) : material.color.clone()
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = SIZE
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) return new Color(DEFAULT)
  context.drawImage(image, 0, 0, SIZE, SIZE)
  const { data } = context.getImageData(0, 0, SIZE, SIZE)
  const texels: [number, number, number][] = []
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i] as number, data[i + 1] as number, data[i + 2] as number]
    // Skin of any tone is redder than it is blue; what is not is hair, cloth or the space between.
    if (r > b + 8 && r > 30) texels.push([r, g, b])
  }
  if (texels.length < 12) return new Color(DEFAULT)
  texels.sort((a, b) => a[0] + a[1] - b[0] - b[1])
  const [r, g, b] = texels[Math.floor(texels.length * 0.6)] as [number, number, number]
  return new Color().setRGB(r / 255, g / 255, b / 255, SRGBColorSpace).multiply(material.color)
}

function isPicture(image: unknown): image is ImageBitmap | HTMLImageElement | HTMLCanvasElement {
  return (
    image instanceof ImageBitmap || image instanceof HTMLImageElement || image instanceof HTMLCanvasElement
  )
}

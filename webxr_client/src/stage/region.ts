import { type PerspectiveCamera, type Vector3, Vector4 } from 'three'

/** Part of the canvas in CSS pixels, from its lower left corner. */
export interface Region {
  x: number
  y: number
  width: number
  height: number
}

/**
 * Where on a canvas of `width` by `height` everything within `margin` metres of points in the world is seen, as one
 * rectangle; all of it where a point is beside or behind the camera.
 */
export function regionOf(
  points: readonly Vector3[],
  margin: number,
  camera: PerspectiveCamera,
  width: number,
  height: number,
): Region {
  if (points.length === 0) return { x: 0, y: 0, width: 0, height: 0 }
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity]
  const [wide, high] = [
    camera.projectionMatrix.elements[0] * margin,
    camera.projectionMatrix.elements[5] * margin,
  ]
  for (const point of points) {
    const { x, y, w } = seen
      .set(point.x, point.y, point.z, 1)
      .applyMatrix4(camera.matrixWorldInverse)
      .applyMatrix4(camera.projectionMatrix)
    if (w < margin) return { x: 0, y: 0, width, height }
    left = Math.min(left, (x - wide) / w)
    right = Math.max(right, (x + wide) / w)
    bottom = Math.min(bottom, (y - high) / w)
    top = Math.max(top, (y + high) / w)
  }
  const x = Math.max(0, Math.floor(((left + 1) / 2) * width))
  const y = Math.max(0, Math.floor(((bottom + 1) / 2) * height))
  return {
    x,
    y,
    width: Math.max(0, Math.min(width, Math.ceil(((right + 1) / 2) * width)) - x),
    height: Math.max(0, Math.min(height, Math.ceil(((top + 1) / 2) * height)) - y),
  }
}

/** The smallest region that holds both. */
export function around(a: Region, b: Region): Region {
  if (a.width === 0) return b
  if (b.width === 0) return a
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)]
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  }
}

const seen = new Vector4()

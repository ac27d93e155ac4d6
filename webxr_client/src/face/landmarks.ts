/** The landmark datagram (0x06): the points of MediaPipe's face mesh that the server's solver needs. */

const KIND = 0x06
const HEAD_BYTES = 12
const UNITS = 16_384

/** MediaPipe's numbers, in the order of the wire; `protos/vectors/landmarks.json` holds every client to it. */
// prettier-ignore
export const LANDMARKS: readonly number[] = [
  61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
  78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
  33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
  263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
  107, 66, 105, 63, 70, 55, 65, 52, 53, 46,
  336, 296, 334, 293, 300, 285, 295, 282, 283, 276,
  168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 49, 279, 164,
  10, 109, 338, 67, 297, 103, 332, 127, 356, 234, 454, 58, 288, 172, 397, 150, 379, 152,
  50, 280, 101, 330, 205, 425, 192, 416, 117, 346, 187, 411, 118, 347, 36, 266,
  199, 200, 18,
  468, 473,
]

export interface Point {
  x: number
  y: number
  z: number
}

/**
 * One picture's landmarks as a datagram; without a face (`mesh` null) it says so. `mesh` has MediaPipe's 478
 * normalised points of an unmirrored picture of `width` x `height` pixels; `time` is in ms.
 */
export function encodeLandmarks(
  mesh: readonly Point[] | null,
  width: number,
  height: number,
  sequence: number,
  time: number,
): Uint8Array {
  const count = mesh ? LANDMARKS.length : 0
  const view = new DataView(new ArrayBuffer(HEAD_BYTES + 6 * count))
  view.setUint8(0, KIND)
  view.setUint8(1, mesh ? 1 : 0)
  view.setUint8(2, mesh ? 255 : 0)
  view.setUint8(3, count)
  view.setUint32(4, sequence >>> 0, true)
  view.setUint32(8, Math.round(time) >>> 0, true)
  if (mesh) {
    const aspect = width / height
    LANDMARKS.forEach((number, i) => {
      const point = mesh[number]
      if (!point) throw new RangeError(`the face mesh has no point ${number}`)
      const at = HEAD_BYTES + 6 * i
      view.setInt16(at, steps(point.x * aspect), true)
      view.setInt16(at + 2, steps(point.y), true)
      view.setInt16(at + 4, steps(point.z * aspect), true)
    })
  }
  return new Uint8Array(view.buffer)
}

function steps(value: number): number {
  return Math.min(Math.max(Math.round(value * UNITS), -32_768), 32_767)
}

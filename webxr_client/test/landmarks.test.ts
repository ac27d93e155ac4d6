import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeLandmarks, LANDMARKS } from '../src/face/landmarks'

const golden = JSON.parse(
  readFileSync(new URL('../../protos/vectors/landmarks.json', import.meta.url), 'utf8'),
) as {
  landmarks: number[]
  width: number
  height: number
  sequence: number
  time: number
  mesh: [number, number, number][]
  hex: string
  without: string
}

const steps = (bytes: Uint8Array): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + 12)
  return Array.from({ length: view.byteLength / 2 }, (_, i) => view.getInt16(2 * i, true))
}

describe('landmark datagrams', () => {
  it('name the same points as the server', () => {
    expect(LANDMARKS).toEqual(golden.landmarks)
  })

  it('are encoded as the golden one, to one step of rounding', () => {
    const mesh = golden.mesh.map(([x, y, z]) => ({ x, y, z }))
    const { width, height, sequence, time } = golden
    const bytes = encodeLandmarks(mesh, width, height, sequence, time)
    const wanted = Uint8Array.from(Buffer.from(golden.hex, 'hex'))
    expect(bytes.slice(0, 12)).toEqual(wanted.slice(0, 12))
    const [ours, theirs] = [steps(bytes), steps(wanted)]
    expect(ours.length).toBe(theirs.length)
    ours.forEach((value, i) => expect(Math.abs(value - (theirs[i] ?? NaN))).toBeLessThanOrEqual(1))
    expect(bytes.length).toBeLessThanOrEqual(1000)
  })

  it('say when there is no face', () => {
    const bytes = encodeLandmarks(null, 640, 480, golden.sequence, golden.time)
    expect(Buffer.from(bytes).toString('hex')).toBe(golden.without)
  })
})

import { Group, Matrix4, Quaternion, Vector3 } from 'three'
import { describe, expect, it } from 'vitest'
import { BONE_COUNT } from '../src/hands/hand-plan'
import { handShape } from '../src/hands/hand-shape'
import { surfaceOf } from '../src/hands/surface'
import { poseAt } from '../src/xr/own-pose'
import { gripOf, pinchOf } from '../src/xr/wearer'

/** Signed volume of a closed surface: positive when its triangles face outwards. */
function volume(positions: ArrayLike<number>, indices: ArrayLike<number>): number {
  const numbers = Array.from(positions)
  const at = (i: number): Vector3 => new Vector3().fromArray(numbers, 3 * i)
  let sum = 0
  for (let i = 0; i < indices.length; i += 3) {
    const [a, b, c] = [0, 1, 2].map(j => at(indices[i + j] as number)) as [Vector3, Vector3, Vector3]
    sum += a.dot(b.cross(c)) / 6
  }
  return sum
}

/** Edges that belong to other than two triangles. */
function openEdges(indices: ArrayLike<number>): number {
  const edges = new Map<string, number>()
  for (let i = 0; i < indices.length; i += 3) {
    for (let j = 0; j < 3; j++) {
      const [a, b] = [indices[i + j] as number, indices[i + ((j + 1) % 3)] as number]
      const key = a < b ? `${a} ${b}` : `${b} ${a}`
      edges.set(key, (edges.get(key) ?? 0) + 1)
    }
  }
  return [...edges.values()].filter(count => count !== 2).length
}

describe('surface nets', () => {
  it('close a ball, facing outwards, of the right size', () => {
    const { positions, indices } = surfaceOf(
      p => Math.hypot(...p) - 0.5,
      [-0.7, -0.7, -0.7],
      [0.7, 0.7, 0.7],
      0.07,
    )
    expect(openEdges(indices)).toBe(0)
    expect(volume(positions, indices)).toBeCloseTo((4 / 3) * Math.PI * 0.125, 1)
  })
})

describe('a hand', () => {
  for (const side of ['left', 'right'] as const) {
    const { geometry, bones, parents } = handShape(side, 0.005)
    const { position, skinIndex, skinWeight } = geometry.attributes
    const positions = position?.array ?? []
    const indices = geometry.index?.array ?? []

    it(`(${side}) is closed but for the wrist, faces outwards, and is as large as one`, () => {
      // 0.3 to 0.55 litres is a grown hand; the cut at the wrist leaves a rim.
      expect(volume(positions, indices)).toBeGreaterThan(1.5e-4)
      expect(volume(positions, indices)).toBeLessThan(6e-4)
      expect(openEdges(indices)).toBeLessThan(80)
    })

    it(`(${side}) has its thumb on the side where it belongs`, () => {
      const thumb = new Vector3().setFromMatrixPosition(bones[1] ?? new Matrix4())
      expect(Math.sign(thumb.x)).toBe(side === 'left' ? 1 : -1)
    })

    it(`(${side}) hangs every vertex on bones that exist`, () => {
      expect(bones).toHaveLength(BONE_COUNT)
      expect(parents).toHaveLength(BONE_COUNT)
      for (let i = 0; i < (skinIndex?.count ?? 0); i++) {
        expect(Math.max(skinIndex?.getX(i) ?? 99, skinIndex?.getY(i) ?? 99)).toBeLessThan(BONE_COUNT)
        expect((skinWeight?.getX(i) ?? 0) + (skinWeight?.getY(i) ?? 0)).toBeCloseTo(1)
      }
    })
  }

  it('grips and pinches as its joints say', () => {
    const joints = (reach: number): Map<string, Vector3> =>
      new Map(
        ['middle', 'ring', 'pinky'].flatMap(finger => [
          [`${finger}-finger-phalanx-proximal`, new Vector3()],
          [`${finger}-finger-phalanx-intermediate`, new Vector3(0, 0, -0.04)],
          [`${finger}-finger-tip`, new Vector3(0, 0, -reach)],
        ]),
      )
    expect(gripOf(joints(0.09))).toBe(0)
    expect(gripOf(joints(0.03))).toBe(1)
    expect(gripOf(joints(0.062))).toBeGreaterThan(0.2)
    expect(gripOf(new Map())).toBe(0)
    const tips = (gap: number): Map<string, Vector3> =>
      new Map([
        ['thumb-tip', new Vector3()],
        ['index-finger-tip', new Vector3(gap, 0, 0)],
      ])
    expect(pinchOf(tips(0.01))).toBe(1)
    expect(pinchOf(tips(0.1))).toBe(0)
  })
})

describe('the pose of a wearer', () => {
  const seat = new Group()
  seat.position.set(1, 1.5, 2)
  seat.rotation.y = Math.PI / 2
  seat.updateMatrixWorld(true)

  it('is at rest for who sits in the seat and looks where it faces', () => {
    // The seat faces +x; a camera that looks along +x is turned by -90 degrees about y.
    const rotation = new Quaternion().setFromAxisAngle(new Vector3(0, 1, 0), -Math.PI / 2)
    const pose = poseAt(seat, { position: new Vector3(1, 1.5, 2), rotation, hands: [null, null] })
    expect(pose?.position.map(x => Math.round(x * 1e6))).toEqual([0, 0, 0].map(x => x + 0))
    expect(Math.abs(pose?.rotation[3] ?? 0)).toBeCloseTo(1)
    expect(pose?.hands).toBeNull()
  })

  it('has both hands as soon as one is seen', () => {
    const hand = {
      position: new Vector3(1.4, 1.2, 2.2),
      rotation: new Quaternion(),
      grip: 0.5,
      pinch: 1,
      joints: null,
    }
    const pose = poseAt(seat, {
      position: new Vector3(1, 1.5, 2),
      rotation: new Quaternion(),
      hands: [null, hand],
    })
    // 0.4 m ahead of the seat, which faces +x, and 0.2 m to its right.
    const [x, y, z] = pose?.hands?.[1].position ?? [0, 0, 0]
    expect([x, y, z].map(value => Math.round(value * 100))).toEqual([-20, -30, 40])
    expect(pose?.hands?.[0].position[1]).toBeCloseTo(-0.62)
  })

  it('is nothing out of reach', () => {
    const far = {
      position: new Vector3(40, 1, 0),
      rotation: new Quaternion(),
      hands: [null, null] as [null, null],
    }
    expect(poseAt(seat, far)).toBeNull()
  })
})

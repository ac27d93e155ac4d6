import { describe, expect, it } from 'vitest'
import { framing, glance, placeOf, ringPlace } from '../src/stage/seating'

describe('seats', () => {
  it('are where the room says', () => {
    expect(placeOf({ x: 1, y: 0, z: 2, yaw: 0.5 }, 3)).toEqual({ x: 1, z: 2, yaw: 0.5 })
  })

  it('without a room’s word are a ring, the first in the middle', () => {
    expect(placeOf(null, 0)).toEqual({ x: 0, z: 0, yaw: 0 })
    const [right, left] = [ringPlace(1), ringPlace(2)]
    expect(right.x).toBeCloseTo(-left.x)
    expect(right.yaw).toBeCloseTo(-left.yaw)
    expect(right.x).toBeGreaterThan(0.4)
  })

  it('let who sits look first towards the others', () => {
    const own = { x: 0, z: 0, yaw: 0 }
    expect(glance(own, [])).toBe(0)
    expect(glance(own, [{ x: 1, z: 1, yaw: 0 }])).toBeCloseTo(Math.PI / 4)
    // Two on both sides: straight ahead.
    expect(
      glance(own, [
        { x: 1, z: 1, yaw: 0 },
        { x: -1, z: 1, yaw: 0 },
      ]),
    ).toBeCloseTo(0)
    // A seat that faces the other way sees the same person on the other side.
    expect(glance({ ...own, yaw: Math.PI }, [{ x: 1, z: -1, yaw: 0 }])).toBeCloseTo(-Math.PI / 4)
    // Nobody turns an owl's neck.
    expect(Math.abs(glance(own, [{ x: 0.1, z: -1, yaw: 0 }]))).toBeLessThan(1.5)
  })
})

describe('the picture of a company', () => {
  it('is a portrait of one', () => {
    const own = { x: 1, z: 2, yaw: 0.3 }
    expect(framing([own], own, 1.2, 0.3)).toEqual({ ...own, distance: 1.2 })
  })

  it('has room for all of them', () => {
    const places = [0, 0.9, -0.9].map(x => ({ x, z: Math.abs(x) / 3, yaw: 0 }))
    const frame = framing(places, places[0] ?? { x: 0, z: 0, yaw: 0 }, 1.2, 0.3)
    expect(frame.x).toBeCloseTo(0)
    for (const place of places)
      expect(Math.abs(place.x - frame.x)).toBeLessThan(0.3 * (frame.distance - (place.z - frame.z)))
  })
})

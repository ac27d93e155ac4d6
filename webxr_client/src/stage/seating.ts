import type { Seat } from '../wire/messages'

/** Where an avatar is: a point on the floor, metres, and its heading, radians; 0 faces +z. */
export interface Place {
  x: number
  z: number
  yaw: number
}

const TALK_DISTANCE = 1.2
/** Between neighbours that the server did not seat, radians as seen by the viewer. */
const RING_STEP = 0.46
/** Room for one person's shoulders, metres to each side. */
const SHOULDERS = 0.42
/** One turns the head this far by oneself to see the others. */
const GLANCE = 1.4

/** Places for those whom the room did not seat: the first in the middle, the others in a ring round the viewer. */
export function ringPlace(index: number): Place {
  if (index === 0) return { x: 0, z: 0, yaw: 0 }
  const angle = (index % 2 === 1 ? 1 : -1) * Math.ceil(index / 2) * RING_STEP
  return {
    x: TALK_DISTANCE * Math.sin(angle),
    z: TALK_DISTANCE * (1 - Math.cos(angle)),
    yaw: -angle,
  }
}

export function placeOf(seat: Seat | null, index: number): Place {
  return seat ? { x: seat.x, z: seat.z, yaw: seat.yaw } : ringPlace(index)
}

/** What the camera turns around to see everybody, and from how far. */
export interface Framing {
  x: number
  z: number
  yaw: number
  distance: number
}

/**
 * Face to face with one, or from the front of a ring with all of them in the picture. `spread`: half the picture's
 * width at one metre.
 */
export function framing(places: readonly Place[], own: Place, near: number, spread: number): Framing {
  if (places.length < 2) return { ...own, distance: near }
  const xs = places.map(place => place.x)
  const zs = places.map(place => place.z)
  const half = (Math.max(...xs) - Math.min(...xs)) / 2 + SHOULDERS
  const back = (Math.max(...zs) + Math.min(...zs)) / 2
  return {
    x: (Math.max(...xs) + Math.min(...xs)) / 2,
    z: back,
    yaw: 0,
    // Those who sit nearest to the camera must fit, too.
    distance: Math.max(near, half / spread + (Math.max(...zs) - back)),
  }
}

/** Where someone at `own` looks first, to the left of straight ahead: towards the middle of the others. */
export function glance(own: Place, others: readonly Place[]): number {
  if (others.length === 0) return 0
  let [x, z] = [0, 0]
  for (const other of others) {
    const distance = Math.hypot(other.x - own.x, other.z - own.z) || 1
    x += (other.x - own.x) / distance
    z += (other.z - own.z) / distance
  }
  const heading = Math.atan2(x, z) - own.yaw
  const turn = Math.atan2(Math.sin(heading), Math.cos(heading))
  return Math.max(-GLANCE, Math.min(GLANCE, turn))
}

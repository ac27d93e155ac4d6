import { type Object3D, Quaternion, Vector3 } from 'three'
import type { Hand, Pose, Vec3 } from '../wire/packet'
import type { Wearer, WornHand } from './wearer'

/** Where a hand rests that the headset does not see: beside the body, relative to the head; left first. */
const HANGING: readonly Vec3[] = [
  [0.24, -0.62, 0.05],
  [-0.24, -0.62, 0.05],
]
/** Further than this from a seat is not a place in the room. */
const REACH = 15

/**
 * The wearer's head and hands in the space of `seat`, whose +z is where its person faces; null where they are out
 * of reach or not seen at all. Hands are relative to nothing but the seat.
 */
export function poseAt(seat: Object3D, wearer: Wearer): Pose | null {
  seat.getWorldQuaternion(back).invert()
  const position = seat.worldToLocal(wearer.position.clone())
  if (Math.max(...position.toArray().map(Math.abs)) > REACH) return null
  const turn = back.clone().multiply(wearer.rotation).multiply(ABOUT)
  return {
    position: position.toArray(),
    rotation: quat(turn),
    hands: handsAt(seat, wearer, position, turn),
  }
}

function handsAt(seat: Object3D, wearer: Wearer, head: Vector3, turn: Quaternion): [Hand, Hand] | null {
  if (!wearer.hands.some(hand => hand !== null)) return null
  const [left, right] = wearer.hands.map((hand, i) =>
    hand ? worn(seat, hand) : hanging(HANGING[i] as Vec3, head, turn),
  )
  return [left as Hand, right as Hand]
}

function worn(seat: Object3D, hand: WornHand): Hand {
  return {
    position: seat.worldToLocal(hand.position.clone()).toArray(),
    rotation: quat(back.clone().multiply(hand.rotation)),
    grip: hand.grip,
    pinch: hand.pinch,
  }
}

function hanging(offset: Vec3, head: Vector3, turn: Quaternion): Hand {
  // Beside the body, which turns with the head but does not nod.
  const yaw = new Quaternion(0, turn.y, 0, turn.w).normalize()
  const position = new Vector3(...offset).applyQuaternion(yaw).add(head)
  return { position: position.toArray(), rotation: quat(yaw.multiply(DOWN)), grip: 0.3, pinch: 0 }
}

function quat(q: Quaternion): [number, number, number, number] {
  q.normalize()
  return [q.x, q.y, q.z, q.w]
}

const back = new Quaternion()
/** A camera looks along -z, a face along +z. */
const ABOUT = new Quaternion(0, 1, 0, 0)
/** Fingers down. */
const DOWN = new Quaternion().setFromAxisAngle(new Vector3(1, 0, 0), -Math.PI / 2)

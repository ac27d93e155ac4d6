import { Matrix4, Quaternion, Vector3 } from 'three'

/** A tracked hand in the headset's own space. */
export interface WornHand {
  position: Vector3
  /** Axes of WebXR's wrist joint, whatever the hand holds. */
  rotation: Quaternion
  grip: number
  pinch: number
  /** Rotations of the joints in the hand's space, where the headset sees fingers. */
  joints: Map<string, Quaternion> | null
}

/** Who wears the headset: the head and the hands, left first; null: not in sight. */
export interface Wearer {
  position: Vector3
  /** Looking along -z, as cameras do. */
  rotation: Quaternion
  hands: [WornHand | null, WornHand | null]
}

/** From the middle of a held controller to the wrist, in the wrist's axes, metres. */
const WRIST = new Vector3(0, 0.016, 0.078)
const PINCHED = 0.016
const APART = 0.065

/** Reads head and hands out of a frame; null while the headset does not know where it is. */
export function readWearer(
  frame: XRFrame,
  space: XRReferenceSpace,
  sources: XRInputSourceArray,
): Wearer | null {
  const viewer = frame.getViewerPose(space)
  if (!viewer) return null
  const wearer: Wearer = { ...rigid(viewer.transform), hands: [null, null] }
  for (const source of sources) {
    if (source.handedness === 'none') continue
    const hand = source.hand ? openHand(frame, space, source.hand) : heldController(frame, space, source)
    if (hand) wearer.hands[source.handedness === 'left' ? 0 : 1] = hand
  }
  return wearer
}

function heldController(frame: XRFrame, space: XRReferenceSpace, source: XRInputSource): WornHand | null {
  const pose = source.gripSpace && frame.getPose(source.gripSpace, space)
  if (!pose) return null
  const { position, rotation } = rigid(pose.transform)
  rotation.multiply(source.handedness === 'left' ? LEFT_GRIP : RIGHT_GRIP)
  position.add(offset.copy(WRIST).applyQuaternion(rotation))
  const [trigger, squeeze] = source.gamepad?.buttons ?? []
  // A hand round a controller is half closed even when it presses nothing.
  return {
    position,
    rotation,
    grip: Math.max(0.45, squeeze?.value ?? 0),
    pinch: trigger?.value ?? 0,
    joints: null,
  }
}

function openHand(frame: XRFrame, space: XRReferenceSpace, hand: XRHand): WornHand | null {
  const wristSpace = hand.get('wrist')
  const wristPose = wristSpace && frame.getJointPose?.(wristSpace, space)
  if (!wristPose) return null
  const wrist = rigid(wristPose.transform)
  const back = wrist.rotation.clone().invert()
  const joints = new Map<string, Quaternion>()
  const at = new Map<string, Vector3>()
  for (const [name, jointSpace] of hand.entries()) {
    const pose = frame.getJointPose?.(jointSpace, space)
    if (!pose) continue
    const joint = rigid(pose.transform)
    at.set(name, joint.position)
    joints.set(name, back.clone().multiply(joint.rotation))
  }
  return { ...wrist, grip: gripOf(at), pinch: pinchOf(at), joints }
}

/** How far the three last fingers are closed: straight 0, a fist 1. */
export function gripOf(at: ReadonlyMap<string, Vector3>): number {
  let sum = 0
  let fingers = 0
  for (const finger of ['middle', 'ring', 'pinky']) {
    const root = at.get(`${finger}-finger-phalanx-proximal`)
    const middle = at.get(`${finger}-finger-phalanx-intermediate`)
    const tip = at.get(`${finger}-finger-tip`)
    if (!root || !middle || !tip) continue
    const bone = root.distanceTo(middle) || 0.04
    // A straight finger reaches 2.2 of its first bones, one in a fist about 0.9.
    sum += 1 - (root.distanceTo(tip) / bone - 0.9) / 1.3
    fingers++
  }
  return fingers === 0 ? 0 : clamp(sum / fingers)
}

/** How close thumb and index are: apart 0, touching 1. */
export function pinchOf(at: ReadonlyMap<string, Vector3>): number {
  const thumb = at.get('thumb-tip')
  const index = at.get('index-finger-tip')
  return thumb && index ? clamp((APART - thumb.distanceTo(index)) / (APART - PINCHED)) : 0
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 1)
}

function rigid({ position: p, orientation: o }: XRRigidTransform): {
  position: Vector3
  rotation: Quaternion
} {
  return { position: new Vector3(p.x, p.y, p.z), rotation: new Quaternion(o.x, o.y, o.z, o.w) }
}

/**
 * From a grip's axes to a wrist's. A grip's -z runs through the fist from the little finger to the thumb, its +x
 * points to the right when both palms face each other; a wrist's -z runs to the fingers, +y out of the back of
 * the hand.
 */
const LEFT_GRIP = axes(new Vector3(0, 0, -1), new Vector3(-1, 0, 0), new Vector3(0, 1, 0))
const RIGHT_GRIP = axes(new Vector3(0, 0, 1), new Vector3(1, 0, 0), new Vector3(0, 1, 0))
const offset = new Vector3()

function axes(x: Vector3, y: Vector3, z: Vector3): Quaternion {
  return new Quaternion().setFromRotationMatrix(new Matrix4().makeBasis(x, y, z))
}

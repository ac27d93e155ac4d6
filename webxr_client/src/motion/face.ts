import type { Hand, MotionFrame, Quat, Vec3 } from '../wire/packet'

/** One instant of one avatar as it is drawn. Angles in radians (axis-angle), lengths in metres. */
export interface Face {
  expression: Float32Array
  eyelids: [number, number]
  jaw: Vec3
  neck: Vec3
  /** Left pitch and yaw, right pitch and yaw. */
  eyes: [number, number, number, number]
  headRotation: Quat
  headTranslation: Vec3
  hands: [Hand, Hand] | null
}

export function restFace(components: number): Face {
  return {
    expression: new Float32Array(components),
    eyelids: [0, 0],
    jaw: [0, 0, 0],
    neck: [0, 0, 0],
    eyes: [0, 0, 0, 0],
    headRotation: [0, 0, 0, 1],
    headTranslation: [0, 0, 0],
    hands: null,
  }
}

/** Writes the face between two frames into `face`; `t` 0 is `a`, 1 is `b`. */
export function interpolate(a: MotionFrame, b: MotionFrame, t: number, face: Face): void {
  mixInto(face.expression, a.expression, b.expression, t)
  mixInto(face.eyelids, a.eyelids, b.eyelids, t)
  mixInto(face.jaw, a.jaw, b.jaw, t)
  mixInto(face.neck, a.neck, b.neck, t)
  mixInto(face.eyes, a.eyes, b.eyes, t)
  mixInto(face.headTranslation, a.headTranslation, b.headTranslation, t)
  // Two heads that face each other turn by about pi, where axis-angle flips its sign: go by quaternions.
  face.headRotation = nlerp(fromAxisAngle(a.headRotation), fromAxisAngle(b.headRotation), t)
  face.hands = t < 0.5 ? a.hands : b.hands
}

/** Moves the features of `face` towards rest by `weight` 0..1; the head and the neck stay where they are. */
export function relax(face: Face, weight: number): void {
  const keep = 1 - weight
  for (const part of [face.expression, face.eyelids, face.jaw, face.eyes]) {
    for (let i = 0; i < part.length; i++) part[i] = (part[i] as number) * keep
  }
}

/** Copies `from` into `to`, which has as many components. */
export function copyFace(from: Face, to: Face): void {
  to.expression.set(from.expression)
  to.eyelids = [...from.eyelids]
  to.jaw = [...from.jaw]
  to.neck = [...from.neck]
  to.eyes = [...from.eyes]
  to.headRotation = [...from.headRotation]
  to.headTranslation = [...from.headTranslation]
  to.hands = from.hands
}

export function fromAxisAngle(v: Readonly<Vec3>): Quat {
  const angle = Math.hypot(v[0], v[1], v[2])
  if (angle < 1e-9) return [0, 0, 0, 1]
  const s = Math.sin(angle / 2) / angle
  return [v[0] * s, v[1] * s, v[2] * s, Math.cos(angle / 2)]
}

function nlerp(a: Quat, b: Quat, t: number): Quat {
  const sign = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] < 0 ? -1 : 1
  const q: Quat = [0, 0, 0, 1]
  for (let i = 0; i < 4; i++) q[i] = (a[i] as number) * (1 - t) + sign * (b[i] as number) * t
  const norm = Math.hypot(...q) || 1
  return [q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm]
}

interface Writable {
  readonly length: number
  [index: number]: number
}

function mixInto(to: Writable, a: ArrayLike<number>, b: ArrayLike<number>, t: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (a[i] as number) * (1 - t) + (b[i] as number) * t
}

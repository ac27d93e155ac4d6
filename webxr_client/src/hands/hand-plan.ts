import type { Vec3 } from '../wire/packet'

/**
 * A right hand at rest, metres, with the axes of WebXR's wrist joint: the wrist is the origin, -z runs to the
 * fingers, +y comes out of the back of the hand. A left hand is its mirror image in x.
 */
export interface Finger {
  name: 'thumb' | 'index' | 'middle' | 'ring' | 'little'
  /** Three joints and the tip. */
  points: readonly [Vec3, Vec3, Vec3, Vec3]
  /** Radius at each of them. */
  radii: readonly [number, number, number, number]
  /** Where the nail faces: what curling turns away from. */
  up: Vec3
  /** Flexion of the three joints when fully curled, radians. */
  curl: Vec3
  /** The same when thumb and index meet. */
  pinch: Vec3
  /** Names of the WebXR joints that turn the three bones. */
  joints: readonly [string, string, string]
}

const joints = (finger: string): [string, string, string] => [
  `${finger}-finger-phalanx-proximal`,
  `${finger}-finger-phalanx-intermediate`,
  `${finger}-finger-phalanx-distal`,
]

const UP: Vec3 = [0, 1, 0]
const CURL: Vec3 = [1.35, 1.65, 1.05]
const STILL: Vec3 = [0.12, 0.2, 0.1]

export const FINGERS: readonly Finger[] = [
  {
    name: 'thumb',
    points: [
      [-0.02, -0.011, -0.026],
      [-0.045, -0.018, -0.058],
      [-0.061, -0.021, -0.086],
      [-0.071, -0.022, -0.108],
    ],
    radii: [0.0145, 0.0118, 0.0102, 0.0085],
    up: [-0.62, 0.78, 0],
    curl: [0.35, 0.55, 0.75],
    pinch: [0.42, 0.35, 0.3],
    joints: ['thumb-metacarpal', 'thumb-phalanx-proximal', 'thumb-phalanx-distal'],
  },
  {
    name: 'index',
    points: [
      [-0.026, 0.001, -0.088],
      [-0.03, 0.001, -0.13],
      [-0.032, -0.001, -0.155],
      [-0.0335, -0.003, -0.174],
    ],
    radii: [0.0104, 0.0092, 0.0081, 0.0068],
    up: UP,
    curl: CURL,
    pinch: [0.75, 0.75, 0.45],
    joints: joints('index'),
  },
  {
    name: 'middle',
    points: [
      [-0.004, 0.003, -0.091],
      [-0.004, 0.003, -0.137],
      [-0.004, 0.001, -0.165],
      [-0.004, -0.001, -0.187],
    ],
    radii: [0.0106, 0.0094, 0.0082, 0.0069],
    up: UP,
    curl: CURL,
    pinch: STILL,
    joints: joints('middle'),
  },
  {
    name: 'ring',
    points: [
      [0.016, 0.001, -0.086],
      [0.02, 0.001, -0.128],
      [0.022, -0.001, -0.154],
      [0.0232, -0.003, -0.175],
    ],
    radii: [0.01, 0.0088, 0.0077, 0.0065],
    up: UP,
    curl: CURL,
    pinch: STILL,
    joints: joints('ring'),
  },
  {
    name: 'little',
    points: [
      [0.034, -0.004, -0.078],
      [0.041, -0.004, -0.111],
      [0.0442, -0.006, -0.13],
      [0.0462, -0.008, -0.147],
    ],
    radii: [0.0088, 0.0076, 0.0067, 0.0057],
    up: UP,
    curl: CURL,
    pinch: STILL,
    joints: joints('pinky'),
  },
]

/** A round cone from a to b: one piece of flesh, moved by one bone. */
export interface Cone {
  a: Vec3
  b: Vec3
  ra: number
  rb: number
  bone: number
}

/** Number of the bone that moves the part of finger `finger` after its joint `joint`; 0 is the wrist. */
export function boneOf(finger: number, joint: number): number {
  return 1 + 3 * finger + joint
}

export const BONE_COUNT = 1 + 3 * FINGERS.length

/** The flesh of the hand. */
export function flesh(): Cone[] {
  const cones: Cone[] = [
    // The wrist and the ball of the thumb.
    { a: [-0.008, 0, 0.045], b: [-0.006, -0.002, -0.012], ra: 0.0225, rb: 0.019, bone: 0 },
    { a: [0.01, 0, 0.045], b: [0.012, -0.002, -0.012], ra: 0.0225, rb: 0.0185, bone: 0 },
    { a: [-0.012, -0.01, -0.012], b: [-0.026, -0.013, -0.05], ra: 0.0165, rb: 0.015, bone: 0 },
    { a: [0.02, -0.01, -0.014], b: [0.03, -0.009, -0.06], ra: 0.0145, rb: 0.011, bone: 0 },
  ]
  FINGERS.forEach((finger, f) => {
    const { points, radii } = finger
    if (finger.name !== 'thumb') {
      // The palm's own bones fan out from the wrist.
      const root: Vec3 = [points[0][0] * 0.62, -0.003, -0.014]
      cones.push({ a: root, b: points[0], ra: 0.0145, rb: 0.0118, bone: 0 })
    }
    for (let j = 0; j < 3; j++) {
      cones.push({
        a: points[j] as Vec3,
        b: points[j + 1] as Vec3,
        ra: radii[j] as number,
        rb: radii[j + 1] as number,
        bone: boneOf(f, j),
      })
    }
  })
  return cones
}

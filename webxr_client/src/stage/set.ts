import { Group, type MeshStandardMaterial, type Object3D } from 'three'
import { isMesh } from '../avatar/mesh'
import {
  board,
  bookshelf,
  BUST,
  column,
  curtainedWindow,
  floor,
  floorLamp,
  lectern,
  mirrorFrame,
  niche,
  panelling,
  pictureFrame,
  plant,
  room,
  type Stand,
  wall,
} from './parts'

export const SCENES = ['study', 'mirror', 'classroom', 'museum', 'therapy'] as const
export type SceneName = (typeof SCENES)[number]

/** How a preset is lit; colours in sRGB, intensities in three.js units. */
export interface Lighting {
  background: number
  key: { color: number; intensity: number; x: number; y: number; z: number }
  rim: { color: number; intensity: number }
  fill: { sky: number; ground: number; intensity: number }
  environment: number
  exposure: number
}

/** A mirror on the floor at x, z, reflecting towards `yaw`; `y` is the height of its middle. */
export interface MirrorPlace {
  x: number
  y: number
  z: number
  yaw: number
  width: number
  height: number
  /** It stands before the first seat, and people come to look into it. */
  before: boolean
}

/** What a preset is made of. */
interface Preset {
  parts: () => Object3D[]
  /** What each avatar stands behind. */
  stand: () => () => Stand
  lighting: Lighting
  /** How far the desktop camera stands: as far as it takes to see what the set is. */
  distance: number
  /** Where an avatar's plaque hangs, relative to the head's origin. */
  plaque: { x: number; y: number; z: number; tilt: number }
  mirror?: MirrorPlace & { color: number }
}

/** The set around the avatars of a room. */
export interface StageSet extends Pick<Preset, 'lighting' | 'distance' | 'plaque'> {
  group: Group
  stand: () => Stand
  mirror: MirrorPlace | null
}

const DESK = { x: 0, y: -BUST - 0.004, z: 0.2, tilt: -0.25 }

const PRESETS: Record<SceneName, Preset> = {
  study: {
    parts: () => [
      room(0x1c1e19),
      wall(0x4d5146, 0x1c1e19, -2.1),
      floor(0x3a2a1c, 'boards'),
      panelling(0x33241a, -2.06),
      bookshelf(11, -1.72),
      bookshelf(29, 1.72),
      pictureFrame([-0.72, 1.84, -2.04], 0.5, 0.39),
      floorLamp([0.8, 0, -1.8], -2.09),
    ],
    stand: () => lectern(0x4a3120),
    lighting: {
      background: 0x1c1a17,
      key: { color: 0xffdcb4, intensity: 3.9, x: 0.8, y: 0.8, z: 0.85 },
      rim: { color: 0xbfd4ff, intensity: 1.7 },
      fill: { sky: 0xd0d6ea, ground: 0x4b3828, intensity: 0.42 },
      environment: 0.36,
      exposure: 1.08,
    },
    distance: 1.2,
    plaque: DESK,
  },
  classroom: {
    parts: () => [room(0xb7b0a0), wall(0xd9d3c4, 0xb7b0a0, -2.14), floor(0x9a7b55, 'boards'), board()],
    stand: () => lectern(0x9b7448),
    lighting: {
      background: 0xb9b4a6,
      key: { color: 0xfff4e4, intensity: 2.7, x: -0.85, y: 0.85, z: 0.8 },
      rim: { color: 0xffffff, intensity: 1.1 },
      fill: { sky: 0xeef3ff, ground: 0x9b8a70, intensity: 0.95 },
      environment: 0.5,
      exposure: 0.92,
    },
    distance: 1.3,
    plaque: DESK,
  },
  museum: {
    parts: () => [room(0x3d3a36), niche(), floor(0x6a655e, 'stone')],
    stand: () => column(0xcfc8ba),
    lighting: {
      background: 0x191817,
      key: { color: 0xffeed6, intensity: 3.6, x: 0.45, y: 1.15, z: 0.7 },
      rim: { color: 0xdfe8ff, intensity: 1.2 },
      fill: { sky: 0xcfd6e6, ground: 0x3c3630, intensity: 0.4 },
      environment: 0.3,
      exposure: 1.05,
    },
    distance: 1.75,
    plaque: { x: 0, y: -BUST - 0.1, z: 0.205, tilt: 0 },
  },
  therapy: {
    parts: () => [
      room(0x9fa398),
      wall(0xc3c6ba, 0xa9ada1, -2.1),
      floor(0x8d8677, 'carpet'),
      curtainedWindow(-1.15, -2.05, 0xd8d2c4),
      pictureFrame([0.95, 1.75, -2.06], 0.62, 0.46),
      plant([1.85, 0, -1.6], 3),
    ],
    stand: () => lectern(0xb59a78),
    lighting: {
      background: 0xa9ada2,
      key: { color: 0xfbf5ea, intensity: 2.2, x: -0.95, y: 0.7, z: 0.8 },
      rim: { color: 0xf2f6ff, intensity: 0.9 },
      fill: { sky: 0xf1f3f0, ground: 0x9c9484, intensity: 0.9 },
      environment: 0.46,
      exposure: 0.94,
    },
    distance: 1.4,
    plaque: DESK,
    mirror: {
      x: -2.3,
      y: 1.15,
      z: 1.1,
      yaw: Math.PI / 2,
      width: 0.8,
      height: 1.7,
      before: false,
      color: 0xb59a78,
    },
  },
  mirror: {
    parts: () => [room(0x39424a), wall(0x54606a, 0x2b3238, -1.6), floor(0x4b4038, 'boards')],
    stand: () => lectern(0x54402e),
    lighting: {
      background: 0x1a1d20,
      key: { color: 0xfff0dd, intensity: 2.7, x: -0.55, y: 0.6, z: 1 },
      rim: { color: 0xcfe0ff, intensity: 1.5 },
      fill: { sky: 0xe6ecf5, ground: 0x4c443c, intensity: 0.7 },
      environment: 0.4,
      exposure: 1.3,
    },
    distance: 1.5,
    plaque: DESK,
    mirror: { x: 0, y: 1.3, z: 0.95, yaw: Math.PI, width: 0.74, height: 1.25, before: true, color: 0xa27f43 },
  },
}

export function buildSet(name: SceneName): StageSet {
  const { parts, stand, lighting, distance, plaque, mirror } = PRESETS[name]
  const group = new Group().add(...parts())
  if (mirror) {
    const frame = mirrorFrame(mirror.width, mirror.height, mirror.y, mirror.color)
    frame.name = 'mirror'
    frame.position.set(mirror.x, 0, mirror.z)
    frame.rotation.y = mirror.yaw
    group.add(frame)
  }
  return { group, stand: stand(), lighting, distance, plaque, mirror: mirror ?? null }
}

/** Takes everything under `root` off the graphics' memory. */
export function disposeParts(root: Object3D): void {
  root.removeFromParent()
  root.traverse(node => {
    if (!isMesh(node)) return
    node.geometry.dispose()
    const material = node.material as MeshStandardMaterial
    material.map?.dispose()
    material.dispose()
  })
}

import {
  BackSide,
  BoxGeometry,
  CanvasTexture,
  CircleGeometry,
  Color,
  CylinderGeometry,
  DoubleSide,
  Group,
  InstancedMesh,
  LatheGeometry,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  MeshStandardMaterial,
  PlaneGeometry,
  Shape,
  ShapeGeometry,
  SphereGeometry,
  SRGBColorSpace,
  Vector2,
} from 'three'
import { isMesh } from '../avatar/mesh'

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

/** The set around an avatar. `stand` is moved and scaled so that the head meets the viewer's eyes. */
export interface StageSet {
  group: Group
  lighting: Lighting
  /** How far the desktop camera stands: as far as it takes to see what the set is. */
  distance: number
  /** Where the avatar's plaque hangs, relative to the head's origin. */
  plaque: { x: number; y: number; z: number; tilt: number }
  /** Puts the head's origin at height `y` above the floor. */
  setEyeHeight(y: number): void
}

/** Below the head's origin by this much the bust ends; the furniture meets it there. */
const BUST = 0.3

export function buildSet(name: SceneName): StageSet {
  switch (name) {
    case 'study':
      return study()
    case 'classroom':
      return classroom()
    case 'museum':
      return museum()
    case 'mirror':
      return mirror()
    case 'therapy':
      return study()
  }
}

export function disposeSet(set: StageSet): void {
  set.group.removeFromParent()
  set.group.traverse(node => {
    if (!isMesh(node)) return
    node.geometry.dispose()
    const material = node.material as MeshStandardMaterial
    material.map?.dispose()
    material.dispose()
  })
}

function study(): StageSet {
  const group = new Group()
  group.add(room(0x1c1e19))
  group.add(wall(0x4d5146, 0x1c1e19, ROOM.width, ROOM.height, -2.1))
  group.add(floor(0x3a2a1c, 'boards'))
  group.add(panelling(0x33241a, -2.06, ROOM.width))
  const left = bookshelf(11)
  left.position.set(-1.72, 0, -1.86)
  const right = bookshelf(29)
  right.position.set(1.72, 0, -1.86)
  group.add(left, right)
  group.add(pictureFrame(0.1, 2.16, -2.04, 0.7, 0.52))
  const desk = lectern(0x4a3120)
  group.add(desk.group)
  return {
    group,
    lighting: {
      background: 0x1c1a17,
      key: { color: 0xffdcb4, intensity: 3.9, x: 0.8, y: 0.8, z: 0.85 },
      rim: { color: 0xbfd4ff, intensity: 1.7 },
      fill: { sky: 0xd0d6ea, ground: 0x4b3828, intensity: 0.42 },
      environment: 0.36,
      exposure: 1.08,
    },
    distance: 1.2,
    plaque: { x: 0, y: -BUST - 0.004, z: 0.2, tilt: -0.25 },
    setEyeHeight: desk.setEyeHeight,
  }
}

function classroom(): StageSet {
  const group = new Group()
  group.add(room(0xb7b0a0))
  group.add(wall(0xd9d3c4, 0xb7b0a0, ROOM.width, ROOM.height, -2.14))
  group.add(floor(0x9a7b55, 'boards'))
  const board = new Mesh(
    new PlaneGeometry(3.2, 1.25),
    new MeshStandardMaterial({ map: chalkboard(), roughness: 0.92 }),
  )
  board.position.set(0, 1.72, -2.07)
  board.receiveShadow = true
  const frame = new Mesh(
    new BoxGeometry(3.32, 1.37, 0.03),
    new MeshStandardMaterial({ color: 0x8a6a45, roughness: 0.6 }),
  )
  frame.position.set(0, 1.72, -2.1)
  const ledge = new Mesh(
    new BoxGeometry(3.2, 0.03, 0.09),
    new MeshStandardMaterial({ color: 0x8a6a45, roughness: 0.6 }),
  )
  ledge.position.set(0, 1.04, -2.03)
  group.add(frame, board, ledge)
  const desk = lectern(0x9b7448)
  group.add(desk.group)
  return {
    group,
    lighting: {
      background: 0xb9b4a6,
      key: { color: 0xfff4e4, intensity: 2.7, x: -0.85, y: 0.85, z: 0.8 },
      rim: { color: 0xffffff, intensity: 1.1 },
      fill: { sky: 0xeef3ff, ground: 0x9b8a70, intensity: 0.95 },
      environment: 0.5,
      exposure: 0.92,
    },
    distance: 1.3,
    plaque: { x: 0, y: -BUST - 0.004, z: 0.2, tilt: -0.25 },
    setEyeHeight: desk.setEyeHeight,
  }
}

function museum(): StageSet {
  const group = new Group()
  group.add(room(0x3d3a36))
  // A niche: half a cylinder under a quarter sphere, in a darker wall.
  const light = new MeshStandardMaterial({
    map: plaster(0xb3aa9b, 0x8d8578),
    roughness: 0.95,
    side: DoubleSide,
  })
  const dark = new MeshStandardMaterial({ map: plaster(0x5a5650, 0x3d3a36), roughness: 0.95 })
  const radius = 0.62
  const shoulder = 1.66
  const niche = new Mesh(
    new CylinderGeometry(radius, radius, shoulder, 48, 1, true, Math.PI / 2, Math.PI),
    light,
  )
  niche.position.set(0, shoulder / 2, -0.12)
  const vault = new Mesh(new SphereGeometry(radius, 48, 24, Math.PI, Math.PI, 0, Math.PI / 2), light)
  vault.position.set(0, shoulder, -0.12)
  const wallShape = new Shape()
    .moveTo(-3.5, 0)
    .lineTo(-radius, 0)
    .lineTo(-radius, shoulder)
    .absarc(0, shoulder, radius, Math.PI, 0, true)
    .lineTo(radius, 0)
    .lineTo(3.5, 0)
    .lineTo(3.5, 3.6)
    .lineTo(-3.5, 3.6)
    .closePath()
  const face = new Mesh(new ShapeGeometry(wallShape, 32), dark)
  face.position.z = -0.12
  for (const mesh of [niche, vault, face]) {
    mesh.receiveShadow = true
    group.add(mesh)
  }
  group.add(floor(0x6a655e, 'stone'))
  const plinth = column(0xcfc8ba)
  group.add(plinth.group)
  return {
    group,
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
    setEyeHeight: plinth.setEyeHeight,
  }
}

function mirror(): StageSet {
  const group = new Group()
  group.add(room(0x2b3238))
  group.add(wall(0x54606a, 0x2b3238, ROOM.width, ROOM.height, -1.6))
  group.add(floor(0x4b4038, 'boards'))
  // The frame stands between the viewer and the reflection, which lives behind it.
  const gilt = new MeshStandardMaterial({ color: 0xa27f43, roughness: 0.35, metalness: 0.75 })
  const frame = new Group()
  const bar = (w: number, h: number, x: number, y: number): void => {
    const mesh = new Mesh(new BoxGeometry(w, h, 0.05), gilt)
    mesh.position.set(x, y, 0)
    frame.add(mesh)
  }
  bar(0.76, 0.045, 0, 0.27)
  bar(0.76, 0.045, 0, -0.25)
  bar(0.045, 0.56, -0.36, 0.01)
  bar(0.045, 0.56, 0.36, 0.01)
  frame.position.z = 0.2
  group.add(frame)
  return {
    group,
    lighting: {
      background: 0x1a1d20,
      key: { color: 0xfff0dd, intensity: 2.7, x: -0.55, y: 0.6, z: 1 },
      rim: { color: 0xcfe0ff, intensity: 1.5 },
      fill: { sky: 0xe6ecf5, ground: 0x4c443c, intensity: 0.7 },
      environment: 0.4,
      exposure: 1.0,
    },
    distance: 1.5,
    plaque: { x: 0, y: -0.25, z: 0.228, tilt: 0 },
    setEyeHeight: y => {
      frame.position.y = y
    },
  }
}

/** A reading desk in front of the bust; its top hides where the bust ends. */
function lectern(color: number): { group: Group; setEyeHeight: (y: number) => void } {
  const group = new Group()
  const wood = new MeshStandardMaterial({ map: woodGrain(color), roughness: 0.52 })
  const top = new Mesh(new BoxGeometry(0.86, 0.035, 0.34), wood)
  top.position.set(0, 0, 0.1)
  top.rotation.x = 0.1
  const lip = new Mesh(new BoxGeometry(0.86, 0.05, 0.02), wood)
  lip.position.set(0, -0.028, 0.272)
  const body = new Mesh(new BoxGeometry(0.78, 1, 0.5), wood)
  body.position.z = -0.03
  const back = new Mesh(new BoxGeometry(0.86, 0.03, 0.34), wood)
  back.position.set(0, -0.07, -0.16)
  const shelf = new Group()
  shelf.add(top, lip, back)
  group.add(shelf, body)
  for (const mesh of [top, lip, body, back]) {
    mesh.castShadow = true
    mesh.receiveShadow = true
  }
  return {
    group,
    setEyeHeight: y => {
      const height = Math.max(y - BUST - 0.035, 0.2)
      shelf.position.y = height
      body.scale.y = height - 0.03
      body.position.y = (height - 0.03) / 2
    },
  }
}

/** A turned stone column whose cap carries the bust. */
function column(color: number): { group: Group; setEyeHeight: (y: number) => void } {
  const group = new Group()
  const stone = new MeshStandardMaterial({ map: plaster(color, 0xa59e90), roughness: 0.8 })
  const profile = [
    [0, 0],
    [0.2, 0],
    [0.205, -0.02],
    [0.2, -0.045],
    [0.17, -0.06],
    [0.16, -0.09],
    [0.15, -0.12],
  ].map(([x, y]) => new Vector2(x, y))
  const cap = new Mesh(new LatheGeometry(profile, 48), stone)
  const shaft = new Mesh(new CylinderGeometry(0.15, 0.165, 1, 48), stone)
  const foot = new Mesh(new CylinderGeometry(0.2, 0.22, 0.09, 48), stone)
  foot.position.y = 0.045
  group.add(cap, shaft, foot)
  for (const mesh of [cap, shaft, foot]) {
    mesh.castShadow = true
    mesh.receiveShadow = true
  }
  return {
    group,
    setEyeHeight: y => {
      const height = Math.max(y - BUST + 0.01, 0.3)
      cap.position.y = height
      shaft.scale.y = height - 0.12
      shaft.position.y = (height - 0.12) / 2
    },
  }
}

const ROOM = { width: 7, height: 3.6, depth: 6.4 }

/** Side walls, ceiling and the wall behind the viewer: seen only by those who turn round in a headset. */
function room(color: number): Mesh {
  const mesh = new Mesh(
    new BoxGeometry(ROOM.width, ROOM.height, ROOM.depth),
    new MeshStandardMaterial({ color, roughness: 0.97, side: BackSide }),
  )
  // A hair larger than the back wall and lower than the floor, so that no two surfaces fight.
  mesh.position.set(0, ROOM.height / 2 - 0.02, ROOM.depth / 2 - 2.2)
  return mesh
}

function wall(middle: number, edge: number, width: number, height: number, z: number): Mesh {
  const mesh = new Mesh(
    new PlaneGeometry(width, height),
    new MeshStandardMaterial({ map: plaster(middle, edge), roughness: 0.96 }),
  )
  mesh.position.set(0, height / 2, z)
  mesh.receiveShadow = true
  return mesh
}

function floor(color: number, kind: 'boards' | 'stone'): Mesh {
  const mesh = new Mesh(
    new CircleGeometry(6, 48),
    new MeshStandardMaterial({
      map: kind === 'boards' ? woodGrain(color) : plaster(color, color),
      roughness: 0.7,
    }),
  )
  mesh.rotation.x = -Math.PI / 2
  mesh.receiveShadow = true
  return mesh
}

function panelling(color: number, z: number, width: number): Group {
  const group = new Group()
  const wood = new MeshStandardMaterial({ map: woodGrain(color), roughness: 0.6 })
  const board = new Mesh(new BoxGeometry(width, 0.95, 0.03), wood)
  board.position.set(0, 0.475, z)
  const rail = new Mesh(new BoxGeometry(width, 0.05, 0.07), wood)
  rail.position.set(0, 0.97, z + 0.02)
  group.add(board, rail)
  for (const mesh of [board, rail]) mesh.receiveShadow = true
  return group
}

function bookshelf(seed: number): Group {
  const group = new Group()
  const random = lcg(seed)
  const wood = new MeshStandardMaterial({ color: 0x2f2015, roughness: 0.7 })
  const width = 1.3
  const rows = 6
  const pitch = 0.36
  const case_ = new Mesh(new BoxGeometry(width + 0.08, rows * pitch + 0.1, 0.02), wood)
  case_.position.set(0, (rows * pitch + 0.1) / 2, -0.14)
  group.add(case_)
  const boards = new InstancedMesh(new BoxGeometry(width + 0.08, 0.025, 0.3), wood, rows + 1)
  for (let row = 0; row <= rows; row++)
    boards.setMatrixAt(row, new Matrix4().setPosition(0, 0.05 + row * pitch, 0))
  const sides = new InstancedMesh(new BoxGeometry(0.03, rows * pitch + 0.1, 0.3), wood, 2)
  for (const [i, side] of [-1, 1].entries()) {
    sides.setMatrixAt(i, new Matrix4().setPosition((side * (width + 0.08)) / 2, (rows * pitch + 0.1) / 2, 0))
  }
  group.add(boards, sides)
  const tints = [0x5b2e24, 0x2f3d33, 0x3a3128, 0x6b5433, 0x27303f, 0x4a2230, 0x70654f]
  const spots: { matrix: Matrix4; color: Color }[] = []
  for (let row = 0; row < rows; row++) {
    let x = -width / 2
    while (x < width / 2 - 0.05) {
      const thick = 0.022 + random() * 0.032
      // A shelf without gaps reads as wallpaper.
      if (random() < 0.05) {
        x += 0.06 + random() * 0.09
        continue
      }
      const tall = 0.2 + random() * 0.11
      const deep = 0.17 + random() * 0.06
      const matrix = new Matrix4().makeScale(thick * 0.94, tall, deep)
      matrix.setPosition(x + thick / 2, 0.0625 + row * pitch + tall / 2, 0.03)
      const color = new Color(tints[Math.floor(random() * tints.length)])
      color.multiplyScalar(0.35 + random() * 0.45)
      spots.push({ matrix, color })
      x += thick
    }
  }
  const books = new InstancedMesh(
    new BoxGeometry(1, 1, 1),
    new MeshStandardMaterial({ roughness: 0.75 }),
    spots.length,
  )
  spots.forEach((spot, i) => {
    books.setMatrixAt(i, spot.matrix)
    books.setColorAt(i, spot.color)
  })
  group.add(books)
  return group
}

function pictureFrame(x: number, y: number, z: number, width: number, height: number): Group {
  const group = new Group()
  const gilt = new MeshStandardMaterial({ color: 0x7d6233, roughness: 0.45, metalness: 0.6 })
  const outer = new Mesh(new BoxGeometry(width, height, 0.03), gilt)
  const inner = new Mesh(
    new PlaneGeometry(width - 0.09, height - 0.09),
    new MeshStandardMaterial({ map: landscape(), roughness: 0.8 }),
  )
  inner.position.z = 0.0165
  group.add(outer, inner)
  group.position.set(x, y, z)
  return group
}

/** A flat, soft shadow under something that stands: cheap, and steadier than a shadow map at grazing angles. */
export function contactShadow(radius: number): Mesh {
  const texture = paint(256, 256, context => {
    const gradient = context.createRadialGradient(128, 128, 8, 128, 128, 128)
    gradient.addColorStop(0, 'rgba(0,0,0,0.62)')
    gradient.addColorStop(0.55, 'rgba(0,0,0,0.28)')
    gradient.addColorStop(1, 'rgba(0,0,0,0)')
    context.fillStyle = gradient
    context.fillRect(0, 0, 256, 256)
  })
  const mesh = new Mesh(
    new PlaneGeometry(radius * 2, radius * 2),
    new MeshBasicMaterial({ map: texture, transparent: true, depthWrite: false, toneMapped: false }),
  )
  mesh.rotation.x = -Math.PI / 2
  return mesh
}

function plaster(middle: number, edge: number): CanvasTexture {
  return paint(512, 512, context => {
    const gradient = context.createRadialGradient(256, 230, 40, 256, 256, 380)
    gradient.addColorStop(0, css(middle))
    gradient.addColorStop(1, css(edge))
    context.fillStyle = gradient
    context.fillRect(0, 0, 512, 512)
    mottle(context, 512)
  })
}

function woodGrain(color: number): CanvasTexture {
  return paint(512, 512, context => {
    context.fillStyle = css(color)
    context.fillRect(0, 0, 512, 512)
    const random = lcg(color)
    for (let i = 0; i < 260; i++) {
      const y = random() * 512
      context.strokeStyle = random() < 0.5 ? 'rgba(0,0,0,0.10)' : 'rgba(255,225,180,0.05)'
      context.lineWidth = 0.5 + random() * 2
      context.beginPath()
      context.moveTo(0, y)
      context.bezierCurveTo(170, y + random() * 14 - 7, 340, y + random() * 14 - 7, 512, y + random() * 6 - 3)
      context.stroke()
    }
    for (let i = 0; i <= 4; i++) {
      context.fillStyle = 'rgba(0,0,0,0.35)'
      context.fillRect(0, i * 128 - 1, 512, 2)
    }
  })
}

function chalkboard(): CanvasTexture {
  return paint(1024, 400, context => {
    context.fillStyle = '#26332c'
    context.fillRect(0, 0, 1024, 400)
    const random = lcg(5)
    // Wiped chalk: broad faint strokes.
    for (let i = 0; i < 40; i++) {
      context.strokeStyle = `rgba(230,238,230,${0.012 + random() * 0.02})`
      context.lineWidth = 20 + random() * 50
      context.beginPath()
      const x = random() * 1024
      const y = random() * 400
      context.moveTo(x, y)
      context.quadraticCurveTo(x + 120, y - 30, x + 240, y + random() * 50)
      context.stroke()
    }
    context.strokeStyle = 'rgba(235,238,228,0.55)'
    context.lineWidth = 2.5
    context.beginPath()
    context.moveTo(70, 330)
    context.lineTo(330, 330)
    context.moveTo(70, 330)
    context.lineTo(70, 120)
    for (let x = 0; x <= 240; x += 4) {
      const y = 330 - 190 * (1 - Math.exp(-x / 80)) * (0.9 + 0.1 * Math.sin(x / 17))
      if (x === 0) context.moveTo(70 + x, y)
      else context.lineTo(70 + x, y)
    }
    context.stroke()
  })
}

function landscape(): CanvasTexture {
  return paint(256, 192, context => {
    const sky = context.createLinearGradient(0, 0, 0, 120)
    sky.addColorStop(0, '#59626a')
    sky.addColorStop(1, '#b39d79')
    context.fillStyle = sky
    context.fillRect(0, 0, 256, 192)
    const hill = (y: number, color: string, bend: number): void => {
      context.fillStyle = color
      context.beginPath()
      context.moveTo(0, 192)
      context.lineTo(0, y)
      context.bezierCurveTo(80, y - bend, 170, y + bend, 256, y - bend / 2)
      context.lineTo(256, 192)
      context.fill()
    }
    hill(112, '#4e5650', 22)
    hill(132, '#37402f', 30)
    hill(158, '#262c20', 16)
    speckle(context, 256, 1500, 0.06)
  })
}

/** Broad, faint clouds, as a hand-painted wall has them. */
function mottle(context: CanvasRenderingContext2D, size: number): void {
  const random = lcg(size)
  for (let i = 0; i < 90; i++) {
    const x = random() * size
    const y = random() * size
    const radius = 20 + random() * 70
    const cloud = context.createRadialGradient(x, y, 0, x, y, radius)
    const tone = random() < 0.5 ? '0,0,0' : '255,244,225'
    cloud.addColorStop(0, `rgba(${tone},0.035)`)
    cloud.addColorStop(1, `rgba(${tone},0)`)
    context.fillStyle = cloud
    context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius)
  }
}

function speckle(context: CanvasRenderingContext2D, size: number, count: number, alpha: number): void {
  const random = lcg(count)
  for (let i = 0; i < count; i++) {
    context.fillStyle =
      random() < 0.5 ? `rgba(0,0,0,${alpha * random()})` : `rgba(255,255,255,${alpha * random()})`
    context.fillRect(random() * size, random() * size, 1 + random() * 2.5, 1 + random() * 2.5)
  }
}

function paint(
  width: number,
  height: number,
  draw: (context: CanvasRenderingContext2D) => void,
): CanvasTexture {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (context) draw(context)
  const texture = new CanvasTexture(canvas)
  texture.colorSpace = SRGBColorSpace
  texture.anisotropy = 4
  return texture
}

function css(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`
}

/** A small repeatable random source: sets look the same on every visit. */
function lcg(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

import {
  AdditiveBlending,
  BackSide,
  BoxGeometry,
  type BufferGeometry,
  CircleGeometry,
  Color,
  ConeGeometry,
  CylinderGeometry,
  DoubleSide,
  Group,
  InstancedMesh,
  LatheGeometry,
  type Material,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  MeshStandardMaterial,
  type Object3D,
  PlaneGeometry,
  Shape,
  ShapeGeometry,
  SphereGeometry,
  Vector2,
} from 'three'
import {
  chalkboard,
  lamplight,
  lampshade,
  landscape,
  lcg,
  plaster,
  windowLight,
  woodGrain,
  woven,
} from './paint'

/** Below the head's origin by this much the bust ends; the furniture meets it there. */
export const BUST = 0.3

const ROOM = { width: 7, height: 3.6, depth: 6.4 }

type At = readonly [number, number, number]

/** What an avatar stands or sits behind; it is made as high as the avatar's eyes ask for. */
export interface Stand {
  group: Group
  /** Puts the head's origin at height `y` above the floor. */
  setEyeHeight(y: number): void
}

/** Side walls, ceiling and the wall behind the viewer: seen by those who turn round, and in mirrors. */
export function room(color: number): Object3D {
  const mesh = new Mesh(
    new BoxGeometry(ROOM.width, ROOM.height, ROOM.depth),
    new MeshStandardMaterial({ color, roughness: 0.97, side: BackSide }),
  )
  // A hair larger than the back wall and lower than the floor, so that no two surfaces fight.
  mesh.position.set(0, ROOM.height / 2 - 0.02, ROOM.depth / 2 - 2.2)
  return mesh
}

export function wall(middle: number, edge: number, z: number): Object3D {
  const material = new MeshStandardMaterial({ map: plaster(middle, edge), roughness: 0.96 })
  return placed(new PlaneGeometry(ROOM.width, ROOM.height), material, [0, ROOM.height / 2, z])
}

export function floor(color: number, kind: 'boards' | 'stone' | 'carpet'): Object3D {
  const map = { boards: woodGrain, stone: (c: number) => plaster(c, c), carpet: woven }[kind](color)
  const material = new MeshStandardMaterial({ map, roughness: kind === 'carpet' ? 1 : 0.7 })
  const mesh = placed(new CircleGeometry(6, 48), material, [0, 0, 0])
  mesh.rotation.x = -Math.PI / 2
  return mesh
}

export function panelling(color: number, z: number): Object3D {
  const wood = new MeshStandardMaterial({ map: woodGrain(color), roughness: 0.6 })
  const group = new Group().add(
    box([ROOM.width, 0.95, 0.03], [0, 0.475, z], wood),
    box([ROOM.width, 0.05, 0.07], [0, 0.97, z + 0.02], wood),
    box([ROOM.width, 0.07, 0.02], [0, 0.9, z + 0.02], wood),
  )
  const stiles = 15
  for (let i = 0; i < stiles; i++)
    group.add(box([0.07, 0.87, 0.02], [(i / (stiles - 1) - 0.5) * ROOM.width * 0.95, 0.435, z + 0.02], wood))
  return group
}

/** A lamp on a stand, lit, and its light on the wall at `wall`. */
export function floorLamp([x, y, z]: At, wall: number): Object3D {
  const brass = new MeshStandardMaterial({ color: 0x6e5630, roughness: 0.4, metalness: 0.7 })
  const shade = new MeshBasicMaterial({ map: lampshade(), side: DoubleSide })
  const pool = new MeshBasicMaterial({
    map: lamplight(),
    transparent: true,
    blending: AdditiveBlending,
    depthWrite: false,
  })
  const group = new Group().add(
    placed(new CylinderGeometry(0.15, 0.17, 0.03, 32), brass, [0, 0.015, 0]),
    placed(new CylinderGeometry(0.011, 0.011, 1.5, 12), brass, [0, 0.75, 0]),
    placed(new CylinderGeometry(0.11, 0.19, 0.25, 40, 1, true), shade, [0, 1.58, 0], false),
    placed(new PlaneGeometry(2.4, 2.4), pool, [0, 1.62, wall - z], false),
  )
  group.position.set(x, y, z)
  return group
}

export function board(): Object3D {
  const wood = new MeshStandardMaterial({ color: 0x8a6a45, roughness: 0.6 })
  const slate = new MeshStandardMaterial({ map: chalkboard(), roughness: 0.92 })
  return new Group().add(
    box([3.32, 1.37, 0.03], [0, 1.72, -2.1], wood),
    placed(new PlaneGeometry(3.2, 1.25), slate, [0, 1.72, -2.07]),
    box([3.2, 0.03, 0.09], [0, 1.04, -2.03], wood),
  )
}

/** Half a cylinder under a quarter sphere, in a darker wall. */
export function niche(): Object3D {
  const light = new MeshStandardMaterial({
    map: plaster(0xb3aa9b, 0x8d8578),
    roughness: 0.95,
    side: DoubleSide,
  })
  const dark = new MeshStandardMaterial({ map: plaster(0x5a5650, 0x3d3a36), roughness: 0.95 })
  const [radius, shoulder, z] = [0.62, 1.66, -0.12]
  const opening = new Shape()
    .moveTo(-3.5, 0)
    .lineTo(-radius, 0)
    .lineTo(-radius, shoulder)
    .absarc(0, shoulder, radius, Math.PI, 0, true)
    .lineTo(radius, 0)
    .lineTo(3.5, 0)
    .lineTo(3.5, 3.6)
    .lineTo(-3.5, 3.6)
    .closePath()
  const shaft = new CylinderGeometry(radius, radius, shoulder, 48, 1, true, Math.PI / 2, Math.PI)
  const vault = new SphereGeometry(radius, 48, 24, Math.PI, Math.PI, 0, Math.PI / 2)
  return new Group().add(
    placed(shaft, light, [0, shoulder / 2, z]),
    placed(vault, light, [0, shoulder, z]),
    placed(new ShapeGeometry(opening, 32), dark, [0, 0, z]),
  )
}

export function bookshelf(seed: number, x: number): Object3D {
  const group = new Group()
  const random = lcg(seed)
  const wood = new MeshStandardMaterial({ color: 0x2f2015, roughness: 0.7 })
  const [width, rows, pitch] = [1.3, 6, 0.36]
  const height = rows * pitch + 0.1
  group.add(placed(new BoxGeometry(width + 0.08, height, 0.02), wood, [0, height / 2, -0.14], false))
  const boards = new InstancedMesh(new BoxGeometry(width + 0.08, 0.025, 0.3), wood, rows + 1)
  for (let row = 0; row <= rows; row++)
    boards.setMatrixAt(row, new Matrix4().setPosition(0, 0.05 + row * pitch, 0))
  const sides = new InstancedMesh(new BoxGeometry(0.03, height, 0.3), wood, 2)
  for (const [i, side] of [-1, 1].entries())
    sides.setMatrixAt(i, new Matrix4().setPosition((side * (width + 0.08)) / 2, height / 2, 0))
  group.add(boards, sides)
  const tints = [0x5b2e24, 0x2f3d33, 0x3a3128, 0x6b5433, 0x27303f, 0x4a2230, 0x70654f]
  const spots: { matrix: Matrix4; color: Color }[] = []
  const gilt: Matrix4[] = []
  for (let row = 0; row < rows; row++) {
    let at = -width / 2
    while (at < width / 2 - 0.05) {
      const thick = 0.022 + random() * 0.032
      // A shelf without gaps reads as wallpaper.
      if (random() < 0.05) {
        at += 0.06 + random() * 0.09
        continue
      }
      const tall = 0.2 + random() * 0.11
      const deep = 0.17 + random() * 0.06
      const matrix = new Matrix4().makeScale(thick * 0.94, tall, deep)
      matrix.setPosition(at + thick / 2, 0.0625 + row * pitch + tall / 2, 0.03)
      const color = new Color(tints[Math.floor(random() * tints.length)])
      color.multiplyScalar(0.5 + random() * 0.6)
      spots.push({ matrix, color })
      // Gilt lines across some spines.
      if (random() < 0.4)
        for (const share of [0.2, 0.74])
          gilt.push(
            new Matrix4()
              .makeScale(thick * 0.95, 0.006, 0.002)
              .setPosition(at + thick / 2, 0.0625 + row * pitch + tall * share, 0.031 + deep / 2),
          )
      at += thick
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
  const lines = new InstancedMesh(
    new BoxGeometry(1, 1, 1),
    new MeshStandardMaterial({ color: 0x9c7c3e, roughness: 0.5 }),
    gilt.length,
  )
  gilt.forEach((matrix, i) => lines.setMatrixAt(i, matrix))
  group.add(books, lines)
  group.position.set(x, 0, -1.86)
  return group
}

export function pictureFrame(at: At, width: number, height: number): Object3D {
  const gilt = new MeshStandardMaterial({ color: 0x7d6233, roughness: 0.45, metalness: 0.6 })
  const picture = new MeshStandardMaterial({ map: landscape(), roughness: 0.8 })
  const group = new Group().add(
    placed(new BoxGeometry(width, height, 0.03), gilt, [0, 0, 0], false),
    placed(new PlaneGeometry(width - 0.09, height - 0.09), picture, [0, 0, 0.0165], false),
  )
  group.position.set(...at)
  return group
}

/** A tall window with the light of an overcast day behind a drawn net curtain, and heavier curtains beside it. */
export function curtainedWindow(x: number, z: number, cloth: number): Object3D {
  const group = new Group()
  const glow = new MeshBasicMaterial({ map: windowLight(), toneMapped: true })
  group.add(placed(new PlaneGeometry(1.1, 1.7), glow, [0, 1.72, 0], false))
  const frame = new MeshStandardMaterial({ color: 0xe9e6dd, roughness: 0.7 })
  for (const [w, h, dx, dy] of [
    [1.2, 0.06, 0, 0.87],
    [1.2, 0.06, 0, -0.87],
    [0.06, 1.8, 0.58, 0],
    [0.06, 1.8, -0.58, 0],
    [0.035, 1.7, 0, 0],
  ] as const)
    group.add(box([w, h, 0.05], [dx, 1.72 + dy, 0.015], frame))
  const linen = new MeshStandardMaterial({ color: cloth, roughness: 1, side: DoubleSide })
  for (const side of [-1, 1]) group.add(placed(folds(0.5, 2.3), linen, [side * 0.78, 1.5, 0.08]))
  group.position.set(x, 0, z)
  return group
}

/** A pot plant: blades round a stem. */
export function plant(at: At, seed: number): Object3D {
  const group = new Group()
  const random = lcg(seed)
  const pot = new MeshStandardMaterial({ color: 0xb9b2a4, roughness: 0.8 })
  const leaf = new MeshStandardMaterial({ color: 0x4c6b4a, roughness: 0.75 })
  group.add(placed(new CylinderGeometry(0.17, 0.13, 0.34, 32), pot, [0, 0.17, 0]))
  const blade = new ConeGeometry(0.045, 0.9, 6)
  blade.translate(0, 0.45, 0)
  blade.scale(1, 1, 0.3)
  for (let i = 0; i < 16; i++) {
    const mesh = placed(blade, leaf, [0, 0.32, 0])
    mesh.rotation.set(0.12 + random() * 0.55, (i * Math.PI * 2) / 16 + random() * 0.3, 0, 'YXZ')
    mesh.scale.setScalar(0.7 + random() * 0.5)
    group.add(mesh)
  }
  group.position.set(...at)
  return group
}

/** A frame on two feet round a mirror of this size, whose middle is at height `y`. The glass is the stage's. */
export function mirrorFrame(width: number, height: number, y: number, color: number): Object3D {
  const wood = new MeshStandardMaterial({ color, roughness: 0.4, metalness: 0.35 })
  const [bar, deep] = [0.05, 0.045]
  const group = new Group()
  for (const side of [-1, 1]) {
    group.add(box([width + 2 * bar, bar, deep], [0, y + (side * (height + bar)) / 2, -0.012], wood))
    group.add(box([bar, height, deep], [(side * (width + bar)) / 2, y, -0.012], wood))
    group.add(box([0.045, 0.045, 0.5], [(side * (width + bar)) / 2, 0.0225, -0.05], wood))
    const leg = y - height / 2
    if (leg > 0.05) group.add(box([0.045, leg, 0.045], [(side * (width + bar)) / 2, leg / 2, -0.012], wood))
  }
  group.add(box([width + bar, height + bar, 0.015], [0, y, -0.03], wood))
  return group
}

/** Reading desks in front of busts; their tops hide where a bust ends. */
export function lectern(color: number): () => Stand {
  const wood = new MeshStandardMaterial({ map: woodGrain(color), roughness: 0.52 })
  return () => oneLectern(wood)
}

function oneLectern(wood: Material): Stand {
  const top = box([0.86, 0.035, 0.34], [0, 0, 0.1], wood)
  top.rotation.x = 0.1
  const body = box([0.78, 1, 0.5], [0, 0, -0.03], wood)
  const shelf = new Group().add(
    top,
    box([0.86, 0.05, 0.02], [0, -0.028, 0.272], wood),
    box([0.86, 0.03, 0.34], [0, -0.07, -0.16], wood),
  )
  return {
    group: new Group().add(shelf, body),
    setEyeHeight: y => {
      const height = Math.max(y - BUST - 0.035, 0.2)
      shelf.position.y = height
      body.scale.y = height - 0.03
      body.position.y = (height - 0.03) / 2
    },
  }
}

/** Turned stone columns whose caps carry the busts. */
export function column(color: number): () => Stand {
  const stone = new MeshStandardMaterial({ map: plaster(color, 0xa59e90), roughness: 0.8 })
  return () => oneColumn(stone)
}

function oneColumn(stone: Material): Stand {
  const profile = [
    [0, 0],
    [0.2, 0],
    [0.205, -0.02],
    [0.2, -0.045],
    [0.17, -0.06],
    [0.16, -0.09],
    [0.15, -0.12],
  ].map(([x, y]) => new Vector2(x, y))
  const cap = placed(new LatheGeometry(profile, 48), stone, [0, 0, 0])
  const shaft = placed(new CylinderGeometry(0.15, 0.165, 1, 48), stone, [0, 0, 0])
  const foot = placed(new CylinderGeometry(0.2, 0.22, 0.09, 48), stone, [0, 0.045, 0])
  return {
    group: new Group().add(cap, shaft, foot),
    setEyeHeight: y => {
      const height = Math.max(y - BUST + 0.01, 0.3)
      cap.position.y = height
      shaft.scale.y = height - 0.12
      shaft.position.y = (height - 0.12) / 2
    },
  }
}

function box(size: At, at: At, material: Material): Mesh {
  return placed(new BoxGeometry(...size), material, at)
}

function placed(geometry: BufferGeometry, material: Material, at: At, shadows = true): Mesh {
  const mesh = new Mesh(geometry, material)
  mesh.position.set(...at)
  mesh.castShadow = shadows && !(geometry instanceof PlaneGeometry)
  mesh.receiveShadow = shadows
  return mesh
}

/** Cloth that hangs in folds. */
function folds(width: number, height: number): BufferGeometry {
  const geometry = new PlaneGeometry(width, height, 40, 1)
  const { position } = geometry.attributes
  if (position)
    for (let i = 0; i < position.count; i++)
      position.setZ(i, 0.035 * Math.sin((position.getX(i) / width) * Math.PI * 11))
  geometry.computeVertexNormals()
  return geometry
}

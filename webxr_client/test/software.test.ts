import { BufferAttribute, BufferGeometry, Mesh, MeshBasicMaterial, PerspectiveCamera, Vector3 } from 'three'
import { describe, expect, it } from 'vitest'
import { liftOf, ProcessorMorphs } from '../src/avatar/processor-morphs'
import { Pace } from '../src/stage/pace'
import { around, regionOf } from '../src/stage/region'

/** A camera at the origin that looks along -z, 90 degrees high and wide. */
function camera(): PerspectiveCamera {
  const made = new PerspectiveCamera(90, 1, 0.1, 10)
  made.updateMatrixWorld(true)
  return made
}

/** Three vertices, of which `up` lifts the second one and `turn` turns the third one's normal. */
function face(): Mesh<BufferGeometry, MeshBasicMaterial> {
  const geometry = new BufferGeometry()
  const attribute = (...values: number[]): BufferAttribute => new BufferAttribute(new Float32Array(values), 3)
  geometry.setAttribute('position', attribute(0, 0, 0, 1, 0, 0, 0, 1, 0))
  geometry.setAttribute('normal', attribute(0, 0, 1, 0, 0, 1, 0, 0, 1))
  geometry.morphTargetsRelative = true
  geometry.morphAttributes['position'] = [
    attribute(0, 0, 0, 0, 2, 0, 0, 0, 0),
    attribute(0, 0, 0, 0, 0, 0, 0, 0, 0),
  ]
  geometry.morphAttributes['normal'] = [
    attribute(0, 0, 0, 0, 0, 0, 0, 0, 0),
    attribute(0, 0, 0, 0, 0, 0, 1, 0, -1),
  ]
  geometry.morphAttributes.position?.forEach((target, i) => (target.name = i === 0 ? 'up' : 'turn'))
  return new Mesh(geometry, new MeshBasicMaterial())
}

describe('morph targets added up by the processor', () => {
  it('move the vertices and normals that the graphics would', () => {
    const mesh = face()
    const twin = face()
    const morphs = ProcessorMorphs.of(mesh)
    for (const each of [mesh, twin]) each.morphTargetInfluences?.splice(0, 2, 0.5, 1)
    morphs?.apply()
    const at = new Vector3()
    const wanted = new Vector3()
    for (let i = 0; i < 3; i++)
      expect(mesh.getVertexPosition(i, at).distanceTo(twin.getVertexPosition(i, wanted))).toBeLessThan(1e-6)
    expect(Array.from(mesh.geometry.getAttribute('normal').array)).toEqual([0, 0, 1, 0, 0, 1, 1, 0, 0])
    expect(mesh.geometry.morphAttributes).toEqual({})
  })

  it('return to rest, and cost nothing while nothing changes', () => {
    const mesh = face()
    const morphs = ProcessorMorphs.of(mesh)
    const influences = mesh.morphTargetInfluences as number[]
    const { position } = mesh.geometry.attributes as { position: BufferAttribute }
    influences[0] = 1
    morphs?.apply()
    const version = position.version
    morphs?.apply()
    expect(position.version).toBe(version)
    influences[0] = 0
    morphs?.apply()
    expect(Array.from(position.array)).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0])
  })

  it('are the own of each copy', () => {
    const mesh = face()
    ProcessorMorphs.of(mesh)
    const copy = mesh.clone()
    const morphs = ProcessorMorphs.of(copy)
    copy.morphTargetInfluences?.splice(0, 1, 1)
    morphs?.apply()
    expect(copy.geometry.getAttribute('position').getY(1)).toBe(2)
    expect(mesh.geometry.getAttribute('position').getY(1)).toBe(0)
  })

  it('are still told by name', () => {
    const mesh = face()
    const before = liftOf(mesh, 'up')
    ProcessorMorphs.of(mesh)
    const after = liftOf(mesh, 'up')
    expect([0, 1, 2].map(i => after?.(i))).toEqual([0, 1, 2].map(i => before?.(i)))
    expect(after?.(1)).toBe(2)
    expect(liftOf(mesh, 'smile')).toBeNull()
  })

  it('leave a mesh without targets alone', () => {
    expect(ProcessorMorphs.of(new Mesh(new BufferGeometry(), new MeshBasicMaterial()))).toBeNull()
  })
})

describe('the region in which something moves', () => {
  it('holds points before the camera, and as much around them as they are known to', () => {
    const points = [new Vector3(-0.9, -0.2, -2), new Vector3(0.4, 0.1, -1)]
    const { x, y, width, height } = regionOf(points, 0.1, camera(), 400, 400)
    // To a pixel, which it may hold as well.
    for (const [edge, wanted] of [
      [x, 100],
      [x + width, 300],
      [y, 170],
      [y + height, 240],
    ] as const)
      expect(Math.abs(edge - wanted)).toBeLessThanOrEqual(1)
  })

  it('ends at the edges of the canvas, and is nothing where nobody is in view', () => {
    const seen = regionOf([new Vector3(-9, 0, -1), new Vector3(0, 0, -1)], 0, camera(), 400, 400)
    expect(seen.x).toBe(0)
    expect(Math.abs(seen.width - 200)).toBeLessThanOrEqual(1)
    expect(regionOf([new Vector3(5, 0, -1)], 0.1, camera(), 400, 400).width).toBe(0)
    expect(regionOf([], 0.1, camera(), 400, 400).width).toBe(0)
  })

  it('is everything where a point is beside or behind the camera', () => {
    const points = [new Vector3(0, 0, -1), new Vector3(0, 0, 1)]
    expect(regionOf(points, 0.1, camera(), 400, 300)).toEqual({ x: 0, y: 0, width: 400, height: 300 })
  })

  it('joins with where it was before', () => {
    const nothing = { x: 0, y: 0, width: 0, height: 0 }
    const left = { x: 10, y: 20, width: 30, height: 40 }
    const right = { x: 100, y: 0, width: 10, height: 30 }
    expect(around(left, right)).toEqual({ x: 10, y: 0, width: 100, height: 60 })
    expect(around(nothing, right)).toEqual(right)
    expect(around(left, nothing)).toEqual(left)
  })
})

describe('the pace', () => {
  const limits = { least: 0.5, most: 1, slow: 14, fast: 27 }
  const after = (fps: number, seconds: number, start: number): number => {
    const pace = new Pace(start, limits)
    for (let i = 0; i < fps * seconds; i++) pace.picture(2000 + (i * 1000) / fps)
    return pace.ratio
  }

  it('draws smaller where pictures take too long, but not too small to see', () => {
    expect(after(8, 2, 1)).toBeLessThan(1)
    expect(after(8, 30, 1)).toBe(0.5)
  })

  it('draws larger where there is time', () => {
    expect(after(60, 30, 0.5)).toBe(1)
  })

  it('stays where it is in between', () => {
    expect(after(20, 30, 0.75)).toBe(0.75)
  })
})

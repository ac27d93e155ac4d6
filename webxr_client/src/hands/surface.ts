import type { Vec3 } from '../wire/packet'

export interface Surface {
  /** x, y, z of each vertex. */
  positions: number[]
  /** Three a triangle, counter-clockwise seen from outside. */
  indices: number[]
}

/**
 * The surface where `field` is zero (negative inside), by naive surface nets: one vertex in each cell that the
 * surface crosses, at the mean of its crossings, and a quad across each crossed edge of the grid.
 */
export function surfaceOf(field: (p: Vec3) => number, low: Vec3, high: Vec3, cell: number): Surface {
  const n = [0, 1, 2].map(i => Math.ceil(((high[i] as number) - (low[i] as number)) / cell) + 1) as Vec3
  const strides: Vec3 = [1, n[0], n[0] * n[1]]
  const values = new Float32Array(n[0] * n[1] * n[2])
  for (let z = 0, at = 0; z < n[2]; z++)
    for (let y = 0; y < n[1]; y++)
      for (let x = 0; x < n[0]; x++, at++)
        values[at] = field([low[0] + x * cell, low[1] + y * cell, low[2] + z * cell])
  const vertices = new Int32Array(values.length).fill(-1)
  const positions: number[] = []
  const indices: number[] = []
  const value = (at: number): number => values[at] as number
  for (let z = 0; z < n[2] - 1; z++)
    for (let y = 0; y < n[1] - 1; y++)
      for (let x = 0; x < n[0] - 1; x++) {
        const at = x + strides[1] * y + strides[2] * z
        const mean: Vec3 = [0, 0, 0]
        let crossings = 0
        for (let axis = 0; axis < 3; axis++) {
          const [u, v] = [(axis + 1) % 3, (axis + 2) % 3]
          for (let corner = 0; corner < 4; corner++) {
            const du = corner & 1
            const dv = corner >> 1
            const from = at + du * (strides[u] as number) + dv * (strides[v] as number)
            const a = value(from)
            const b = value(from + (strides[axis] as number))
            if (a < 0 === b < 0) continue
            mean[axis] = (mean[axis] as number) + a / (a - b)
            mean[u] = (mean[u] as number) + du
            mean[v] = (mean[v] as number) + dv
            crossings++
          }
        }
        if (crossings === 0) continue
        vertices[at] = positions.length / 3
        positions.push(
          low[0] + (x + mean[0] / crossings) * cell,
          low[1] + (y + mean[1] / crossings) * cell,
          low[2] + (z + mean[2] / crossings) * cell,
        )
        // Edges at this corner of the grid whose four cells are known by now.
        const here: Vec3 = [x, y, z]
        for (let axis = 0; axis < 3; axis++) {
          const [u, v] = [(axis + 1) % 3, (axis + 2) % 3]
          if (here[u] === 0 || here[v] === 0) continue
          const inside = value(at) < 0
          if (inside === value(at + (strides[axis] as number)) < 0) continue
          const su = strides[u] as number
          const sv = strides[v] as number
          const quad = [at, at - su, at - su - sv, at - sv].map(cellAt => vertices[cellAt] as number)
          const [p, q, r, s] = quad as [number, number, number, number]
          if (inside) indices.push(p, q, r, p, r, s)
          else indices.push(p, r, q, p, s, r)
        }
      }
  return { positions, indices }
}

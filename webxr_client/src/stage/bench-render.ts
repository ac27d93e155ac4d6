import { restFace } from '../motion/face'
import type { Stage } from './stage'

export interface RenderCost {
  avatars: number
  quality: string
  drawCalls: number
  triangles: number
  /** The page's own work for one picture: posing, skinning set-up and submitting, milliseconds. */
  cpuMedianMs: number
  cpuP95Ms: number
  /** From its beginning until the graphics have drawn it. */
  drawnMedianMs: number
  /** Drawn pixels for each of the page's, along a side. */
  ratio: number
}

/** What a picture with `count` talking avatars costs (`likeness bench render`). */
export async function benchRender(stage: Stage, count: number, pictures: number): Promise<RenderCost> {
  const face = restFace(100)
  const { drawCalls, triangles, cpuMs, drawnMs } = await stage.benchmark(
    count,
    pictures,
    (avatar, copy, picture) => {
      const phase = picture / 7 + copy
      // A speaking face: every component moves a little, so that nothing is skipped as zero.
      for (let i = 0; i < face.expression.length; i++) face.expression[i] = 0.15 + 0.15 * Math.sin(phase + i)
      face.jaw = [0.08 + 0.08 * Math.sin(phase * 2), 0, 0]
      face.eyes = [0, 0.1 * Math.sin(phase), 0, 0.1 * Math.sin(phase)]
      avatar.apply(face)
    },
  )
  const at = (share: number, times: number[]): number => {
    const sorted = times.toSorted((a, b) => a - b)
    return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? 0
  }
  return {
    avatars: count,
    quality: stage.quality,
    drawCalls,
    triangles,
    cpuMedianMs: at(0.5, cpuMs),
    cpuP95Ms: at(0.95, cpuMs),
    drawnMedianMs: at(0.5, drawnMs),
    ratio: stage.ratio,
  }
}

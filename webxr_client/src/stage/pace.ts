import type { Quality } from '../avatar/materials'

/** Pixel ratios from `least` to `most`; below `slow` pictures a second it falls, above `fast` it rises. */
export interface PaceLimits {
  least: number
  most: number
  slow: number
  fast: number
}

/** Frame times and the pixel ratio that keeps them short. */
export class Pace {
  readonly #times: number[] = []
  readonly #limits: PaceLimits
  #ratio: number
  #settled = 0

  constructor(ratio: number, limits: PaceLimits) {
    this.#ratio = ratio
    this.#limits = limits
  }

  get fps(): number {
    const times = this.#times
    if (times.length < 2) return 0
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0)
    return span > 0 ? ((times.length - 1) * 1000) / span : 0
  }

  get ratio(): number {
    return this.#ratio
  }

  /** Counts a picture. Returns a new pixel ratio when the present one is too dear or too modest. */
  picture(nowMs: number): number | null {
    this.#times.push(nowMs)
    while (this.#times.length > 2 && nowMs - (this.#times[0] ?? 0) > 1000) this.#times.shift()
    // The first pictures compile and upload: they are no measure.
    this.#settled ||= nowMs
    // A picture slower than a second leaves one time in the window: judge by what there is.
    if (nowMs - this.#settled < 1500) return null
    const { fps } = this
    const { least, most, slow, fast } = this.#limits
    let target = this.#ratio
    if (fps < slow) target = Math.max(this.#ratio * 0.75, least)
    else if (fps > fast) target = Math.min(this.#ratio * 1.15, most)
    if (Math.abs(target - this.#ratio) < 0.02) return null
    this.#ratio = target
    this.#settled = nowMs
    return target
  }
}

/** What this machine's graphics can afford, judged by its name: software GL gets the low setting at once. */
export function judgeQuality(): Quality {
  const gl = document.createElement('canvas').getContext('webgl2')
  if (!gl) return 'low'
  const info = gl.getExtension('WEBGL_debug_renderer_info')
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER))
  gl.getExtension('WEBGL_lose_context')?.loseContext()
  if (/swiftshader|llvmpipe|software|basic render/i.test(name)) return 'low'
  if (/adreno|mali|powervr|quest/i.test(name)) return 'medium'
  return 'high'
}

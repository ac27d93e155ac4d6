import type { Quality } from '../avatar/materials'

/** Frame times and the pixel ratio that keeps them short. */
export class Pace {
  readonly #times: number[] = []
  readonly #longest: number
  #ratio: number
  #settled = 0

  constructor(ratio: number, longest: number) {
    this.#ratio = ratio
    this.#longest = longest
  }

  get fps(): number {
    const times = this.#times
    if (times.length < 2) return 0
    const span = (times.at(-1) as number) - (times[0] as number)
    return span > 0 ? ((times.length - 1) * 1000) / span : 0
  }

  get ratio(): number {
    return this.#ratio
  }

  /** Counts a picture. Returns a new pixel ratio when the present one is too dear or too modest. */
  picture(nowMs: number): number | null {
    this.#times.push(nowMs)
    while (this.#times.length > 0 && nowMs - (this.#times[0] as number) > 1000) this.#times.shift()
    if (nowMs - this.#settled < 1500 || this.#times.length < 5) return null
    const { fps } = this
    const target =
      fps < 40
        ? Math.max(this.#ratio * 0.75, 0.35)
        : fps > 55
          ? Math.min(this.#ratio * 1.15, this.#longest)
          : this.#ratio
    if (Math.abs(target - this.#ratio) < 0.04) return null
    this.#ratio = target
    this.#settled = nowMs
    return target
  }
}

/** What this machine's graphics can afford, judged by its name: software GL gets the low setting at once. */
export function judgeQuality(gl: WebGL2RenderingContext | WebGLRenderingContext): Quality {
  const info = gl.getExtension('WEBGL_debug_renderer_info')
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER))
  if (/swiftshader|llvmpipe|software|basic render/i.test(name)) return 'low'
  if (/adreno|mali|powervr|quest/i.test(name)) return 'medium'
  return 'high'
}

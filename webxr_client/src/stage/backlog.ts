/** A picture that takes longer than this is no longer waited for: the fence itself may be lost. */
const GIVE_UP_MS = 5000

/** Knows whether the graphics are still busy with the last picture, and how long pictures take to finish. */
export class Backlog {
  readonly #gl: WebGL2RenderingContext
  #fence: WebGLSync | null = null
  #submittedMs = 0
  #latency = 17
  readonly #finished: (nowMs: number) => void

  /** finished: told when a picture was seen to be finished. */
  constructor(gl: WebGL2RenderingContext, finished: (nowMs: number) => void) {
    this.#gl = gl
    this.#finished = finished
  }

  /** Smoothed time from submitting a picture to its being finished, at least one refresh of the screen. */
  get latencyMs(): number {
    return Math.max(this.#latency, 16)
  }

  submitted(nowMs: number): void {
    if (this.#fence) this.#gl.deleteSync(this.#fence)
    this.#fence = this.#gl.fenceSync(this.#gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
    this.#gl.flush()
    this.#submittedMs = nowMs
  }

  busy(nowMs: number): boolean {
    if (!this.#fence) return false
    const done = this.#gl.getSyncParameter(this.#fence, this.#gl.SYNC_STATUS) === this.#gl.SIGNALED
    if (!done && nowMs - this.#submittedMs < GIVE_UP_MS) return true
    this.#gl.deleteSync(this.#fence)
    this.#fence = null
    this.#latency += (nowMs - this.#submittedMs - this.#latency) * 0.2
    this.#finished(nowMs)
    return false
  }
}

/** Resolves once the graphics have done everything that they were told so far. */
export async function finished(gl: WebGL2RenderingContext): Promise<void> {
  const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
  if (!fence) return
  gl.flush()
  const begun = performance.now()
  do await new Promise(resolve => setTimeout(resolve, 8))
  while (gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED && performance.now() - begun < GIVE_UP_MS)
  gl.deleteSync(fence)
}

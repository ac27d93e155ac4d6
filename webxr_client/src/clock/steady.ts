const SAMPLES_PER_MS = 48

/**
 * A steady line through noisy readings "sample s was heard at time t": readings come in 10 ms grains and late
 * by the browser's scheduling, a face must not jitter with them. Small errors are pulled in slowly, large
 * ones (the stream jumped) at once. Between readings the line runs on at 48 kHz.
 */
export class SteadyLine {
  readonly #gain: number
  readonly #jumpMs: number
  #offset = Number.NaN
  #jumpsInRow = 0

  /** gain: share of an error that one reading corrects; jumpMs: errors beyond it are a jump. */
  constructor(gain = 0.06, jumpMs = 80) {
    this.#gain = gain
    this.#jumpMs = jumpMs
  }

  get known(): boolean {
    return Number.isFinite(this.#offset)
  }

  observe(sample: number, timeMs: number): void {
    const offset = sample - timeMs * SAMPLES_PER_MS
    if (!this.known) {
      this.#offset = offset
      return
    }
    const error = offset - this.#offset
    if (Math.abs(error) <= this.#jumpMs * SAMPLES_PER_MS) {
      this.#jumpsInRow = 0
      this.#offset += error * this.#gain
    } else if (++this.#jumpsInRow >= 3) {
      // One far reading may be a hiccup of the main thread; three in a row are the truth.
      this.#offset = offset
      this.#jumpsInRow = 0
    }
  }

  at(timeMs: number): number {
    return this.#offset + timeMs * SAMPLES_PER_MS
  }

  reset(): void {
    this.#offset = Number.NaN
    this.#jumpsInRow = 0
  }
}

import type { HeardClock } from './clock'
import { SteadyLine } from './steady'

/** How far frames run ahead of their sound, when nothing better is known: the server's default lead. */
const LEAD_MS = 60

/** The clock of a stream whose sound is not there (yet): judged by when motion arrives. */
export class ArrivalClock implements HeardClock {
  readonly kind = 'arrival'
  readonly #line = new SteadyLine(0.05, 200)

  observe(sample: number, nowMs: number): void {
    this.#line.observe(sample - LEAD_MS * 48, nowMs)
  }

  heardAt(nowMs: number): number {
    return this.#line.at(nowMs)
  }

  reset(): void {
    this.#line.reset()
  }
}

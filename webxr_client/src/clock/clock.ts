/** Tells which media sample is being heard. Times are `performance.now()` milliseconds. */
export interface HeardClock {
  readonly kind: 'rtp' | 'audio' | 'arrival' | 'take'
  /** Sample heard at `nowMs`; NaN while unknown. */
  heardAt(nowMs: number): number
}

/** The last `capacity` entries, oldest first. */
export class History<T> {
  readonly #entries: T[] = []
  readonly #capacity: number

  constructor(capacity = 60_000) {
    this.#capacity = capacity
  }

  add(entry: T): void {
    this.#entries.push(entry)
    // Dropped by the block: shifting one at a time would move 60 000 entries per picture.
    if (this.#entries.length > this.#capacity * 1.1)
      this.#entries.splice(0, this.#entries.length - this.#capacity)
  }

  copy(): T[] {
    return this.#entries.slice(-this.#capacity)
  }
}

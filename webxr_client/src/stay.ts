const NAME = 'likeness.stay'

/** What makes two visits the same stay. */
export interface Place {
  character: string
  scene: string
  room: string
}

interface Kept extends Place {
  resume: string
  until: number
}

/**
 * Keeps a stay's resume token, so that a closed tab that is opened again returns to its session instead of
 * starting another. One tab at a time keeps it: a second one beside it is a second visitor.
 */
export class Stay {
  readonly #storage: Storage
  #kept: Kept | null = null

  private constructor(storage: Storage) {
    this.#storage = storage
  }

  /** This tab's, or null where another tab has it or the browser knows no locks. */
  static async claim(): Promise<Stay | null> {
    const { locks } = navigator
    if (!locks) return null
    const granted = await new Promise<boolean>(resolve => {
      void locks.request(NAME, { ifAvailable: true }, lock => {
        resolve(lock !== null)
        // Held until the tab closes, however it closes.
        return lock ? new Promise<void>(() => undefined) : undefined
      })
    })
    return granted ? new Stay(localStorage) : null
  }

  /** The token of a stay that still waits at `place`; empty if there is none. */
  waiting(place: Place): string {
    try {
      const kept = JSON.parse(this.#storage.getItem(NAME) ?? 'null') as Partial<Kept> | null
      if (typeof kept?.resume !== 'string' || typeof kept.until !== 'number') return ''
      const same =
        kept.character === place.character && kept.scene === place.scene && kept.room === place.room
      return same && Date.now() < kept.until ? kept.resume : ''
    } catch {
      return ''
    }
  }

  /** Remembers the token; it is good for `seconds` after the last `renew`. */
  keep(place: Place, resume: string, seconds: number): void {
    this.#kept = { ...place, resume, until: 0 }
    this.renew(seconds)
  }

  /** Says that the stay is alive. */
  renew(seconds: number): void {
    if (this.#kept === null) return
    this.#kept.until = Date.now() + seconds * 1000
    this.#write(JSON.stringify(this.#kept))
  }

  /** The stay is over. */
  forget(): void {
    this.#kept = null
    this.#write(null)
  }

  #write(text: string | null): void {
    try {
      if (text === null) this.#storage.removeItem(NAME)
      else this.#storage.setItem(NAME, text)
    } catch {
      // Private windows may keep nothing: then a closed tab is the end of its stay.
    }
  }
}

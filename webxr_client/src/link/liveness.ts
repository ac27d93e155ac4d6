import { encodePing } from '../wire/packet'

const PING_MS = 500

/** A peer that says nothing for this long is dead. */
export const DEAD_MS = 3000

/** Pings the other side and notices when it is gone: browsers take half a minute to. */
export class Liveness {
  #nonce = 0
  #heardMs: number
  readonly #timer: ReturnType<typeof setInterval>

  constructor(send: (ping: Uint8Array) => void, dead: () => void) {
    this.#heardMs = performance.now()
    let tickedMs = this.#heardMs
    this.#timer = setInterval(() => {
      const now = performance.now()
      // A page that slept (hidden tab, suspended laptop) was deaf itself: it gives the server another chance.
      if (now - tickedMs > DEAD_MS / 2) this.#heardMs = Math.max(this.#heardMs, now - DEAD_MS / 2)
      tickedMs = now
      if (now - this.#heardMs > DEAD_MS) {
        this.stop()
        dead()
        return
      }
      send(encodePing(this.#nonce++, now))
    }, PING_MS)
  }

  /** Something came from the other side. */
  heard(): void {
    this.#heardMs = performance.now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

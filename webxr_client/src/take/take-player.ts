import { Performer } from '../performer'
import { TakeVoice } from '../sound/take-voice'
import type { Trust } from '../trust/seal-check'
import type { StreamHeader } from '../wire/messages'
import type { Take } from './take'

const FEED_MS = 100
/** Frames are handed over this far ahead of their sound: one second. */
const AHEAD = 48_000

/** Replays a take: its frames go through the same track as live ones, on the clock of its own voice. */
export class TakePlayer {
  readonly performer: Performer
  readonly #take: Take
  readonly #voice: TakeVoice
  readonly #ended: () => void
  #next = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(take: Take, header: StreamHeader, seals: Trust, context: AudioContext, ended: () => void) {
    this.#take = take
    this.#ended = ended
    this.#voice = new TakeVoice(context, take.voice)
    this.performer = new Performer(header, seals)
    this.performer.setVoice(this.#voice)
  }

  /** Plays from the beginning. */
  play(): void {
    clearInterval(this.#timer)
    this.performer.restart()
    this.#next = 0
    this.#voice.play()
    this.#feed()
    this.#timer = setInterval(() => this.#feed(), FEED_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#voice.silence()
    this.performer.restart()
  }

  #feed(): void {
    const heard = this.performer.heardAt(performance.now())
    const until = (Number.isFinite(heard) ? heard : 0) + AHEAD
    while (this.#next < this.#take.frameCount && this.#take.sample(this.#next) <= until) {
      this.performer.pushFrame(this.#take.frame(this.#next++))
    }
    if (this.#next < this.#take.frameCount || !(heard > this.#take.sample(this.#take.frameCount - 1))) return
    clearInterval(this.#timer)
    this.#ended()
  }
}

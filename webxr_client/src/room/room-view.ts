import type { Performer } from '../performer'
import type { Session } from '../session'
import { ConfirmDialog } from '../ui/confirm-dialog'
import { element } from '../ui/elements'
import { EmotionPicker } from '../ui/emotion-picker'
import { InviteDialog } from '../ui/invite-dialog'
import { PeoplePanel } from '../ui/people-panel'
import type { EmotionName, RoomState } from '../wire/messages'
import { maySetEmotion, ownState, roomOrders, roster } from './roster'

/** Emotions are set at this weight: plainly seen, and speech still reads through them. */
const EMOTION_WEIGHT = 0.8

/** The room as a company of people: shows who is here, how others come in, and passes orders on. */
export class RoomView {
  state: RoomState | null = null
  #session: Session | null = null
  #feeling: EmotionName | null = null
  readonly #panel = new PeoplePanel(new ConfirmDialog(), (order, line, reason) =>
    this.#session?.moderate(order.act, line, reason),
  )
  readonly #invite = new InviteDialog()
  readonly #standing = element('standing', HTMLElement)
  readonly #emotions = new EmotionPicker(name => this.#feel(name))

  /** The room has changed, or somebody's character has come. */
  show(session: Session, state: RoomState | null = this.state): void {
    this.#session = session
    this.state = state
    if (!state) return
    const characters = charactersOf(session.performers)
    const own = ownState(state, characters)
    this.#stand(own)
    this.#panel.show(roster(state, characters), roomOrders(state), own)
    this.#invite.show(state.room, state.code || state.room, session.welcome?.scene ?? 'study')
    this.#emotions.offer(maySetEmotion(state))
  }

  /** The stay is over. */
  hide(): void {
    this.state = null
    this.#session = null
    this.#feeling = null
    this.#stand('')
    this.#panel.hide()
    this.#invite.hide()
    this.#emotions.reset()
  }

  /** What keeps one from speaking is in sight for as long as it holds. */
  #stand(words: string): void {
    if (this.#standing.textContent !== words) this.#standing.textContent = words
    this.#standing.hidden = words === ''
  }

  #feel(name: EmotionName | null): void {
    if (this.#feeling) this.#session?.feel(this.#feeling, 0)
    if (name) this.#session?.feel(name, EMOTION_WEIGHT)
    this.#feeling = name
  }
}

function charactersOf(performers: ReadonlyMap<number, Performer>): Map<number, string> {
  return new Map([...performers].map(([avatar, performer]) => [avatar, performer.header.name]))
}

import type { Act, Person, RoomState } from '../wire/messages'

/** One line of the list of people. */
export interface RosterLine {
  session: string
  avatar: number
  self: boolean
  /** Their own name, or the character's where they gave none. */
  title: string
  /** Whom they are, in which role, and what keeps them from speaking. */
  detail: string
  away: boolean
  orders: readonly Order[]
}

export interface Order {
  act: Act
  label: string
  /** Asked before it is carried out; empty: it is done at once. */
  question: string
}

/** Who is here, in words, and what the reader may order. `characters`: names by avatar. */
export function roster(state: RoomState, characters: ReadonlyMap<number, string>): RosterLine[] {
  const me = state.people.find(person => person.self)
  const lines = state.people.map(person => {
    const character = person.avatar === 0 ? '' : (characters.get(person.avatar) ?? 'a character')
    const title = person.name || character || 'Somebody who watches'
    const detail = [
      person.name && character ? `as ${character}` : person.avatar === 0 ? 'watches' : '',
      person.role,
      person.self ? 'you' : '',
      person.muted ? 'muted' : '',
      person.frozen ? 'frozen' : '',
      person.away ? 'away, may return' : '',
      state.floor !== 0 && state.floor === person.avatar ? 'has the floor' : '',
    ]
    return {
      session: person.session,
      avatar: person.avatar,
      self: person.self,
      title,
      detail: detail.filter(Boolean).join(' · '),
      away: person.away,
      orders: me?.moderator ? ordersFor(person, state.floor, title) : [],
    }
  })
  return lines.sort((a, b) => Number(b.self) - Number(a.self))
}

/** Orders that concern the whole room; none for those who do not moderate it. */
export function roomOrders(state: RoomState): Order[] {
  if (!state.people.some(person => person.self && person.moderator)) return []
  const guests = state.people.filter(person => !person.moderator && person.avatar !== 0)
  const orders: Order[] = []
  if (guests.length > 0) {
    const muted = guests.every(person => person.muted)
    const frozen = guests.every(person => person.frozen)
    orders.push(plain(muted ? 'UNMUTE' : 'MUTE', muted ? 'Unmute all' : 'Mute all'))
    orders.push(plain(frozen ? 'UNFREEZE' : 'FREEZE', frozen ? 'Unfreeze all' : 'Freeze all'))
  }
  if (state.floor !== 0) orders.push(plain('OPEN_FLOOR', 'Open the floor'))
  orders.push({
    act: 'END_ROOM',
    label: 'End the room',
    question: 'End the room? Everybody’s session ends, yours too.',
  })
  return orders
}

/** What the person themselves should know of their state; empty: nothing. */
export function ownState(state: RoomState, characters: ReadonlyMap<number, string>): string {
  const me = state.people.find(person => person.self)
  if (me?.frozen) return 'A moderator has frozen you'
  if (me?.muted) return 'A moderator has muted you'
  if (state.floor === 0) return ''
  if (me && state.floor === me.avatar) return 'You have the floor'
  const speaker = state.people.find(person => person.avatar === state.floor)
  return `${speaker?.name || characters.get(state.floor) || 'Somebody else'} has the floor`
}

/** Whether the own grant lets one set an expression: those who moderate, and everybody where no tokens are asked. */
export function maySetEmotion(state: RoomState): boolean {
  const me = state.people.find(person => person.self)
  return me !== undefined && me.avatar !== 0 && (me.moderator || me.role === 'host' || me.role === 'guest')
}

/** Moderators give each other no orders, but may hand each other the floor. */
function ordersFor(person: Person, floor: number, title: string): Order[] {
  if (person.self) {
    return person.avatar !== 0 && floor !== person.avatar ? [plain('GIVE_FLOOR', 'Take the floor')] : []
  }
  const orders: Order[] = []
  if (person.avatar !== 0 && !person.moderator) {
    orders.push(person.muted ? plain('UNMUTE', 'Unmute') : plain('MUTE', 'Mute'))
    orders.push(person.frozen ? plain('UNFREEZE', 'Unfreeze') : plain('FREEZE', 'Freeze'))
  }
  if (person.avatar !== 0) {
    orders.push(
      floor === person.avatar ? plain('OPEN_FLOOR', 'Open the floor') : plain('GIVE_FLOOR', 'Give the floor'),
    )
  }
  if (!person.moderator) {
    orders.push({ act: 'REMOVE', label: 'Remove', question: `Remove ${title}? Their session ends.` })
  }
  return orders
}

function plain(act: Act, label: string): Order {
  return { act, label, question: '' }
}

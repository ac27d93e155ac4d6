import { describe, expect, it } from 'vitest'
import { inviteLink, readCode, spacedCode } from '../src/room/code'
import { maySetEmotion, ownState, roomOrders, roster } from '../src/room/roster'
import type { Person, RoomState } from '../src/wire/messages'
import { readServerMessage } from '../src/wire/messages'

const person = (given: Partial<Person>): Person => ({
  avatar: 1,
  session: 's1',
  name: '',
  role: 'guest',
  muted: false,
  frozen: false,
  away: false,
  self: false,
  moderator: false,
  ...given,
})
const teacher = person({ session: 't', name: 'Ms Weber', role: 'teacher', moderator: true, self: true })
const ada = person({ avatar: 2, session: 'a', name: 'Ada', role: 'student' })
const room = (...people: Person[]): RoomState => ({ room: 'history', code: 'kq4mt7', people, floor: 0 })
const characters = new Map([
  [1, 'Albert Einstein'],
  [2, 'Marie Curie'],
])
const acts = (orders: readonly { act: string }[]): string[] => orders.map(each => each.act)

describe('a room’s code', () => {
  it('is read however it was typed', () => {
    expect(readCode(' KQ4 mt7 ')).toBe('kq4mt7')
    expect(readCode('history-7b')).toBe('history-7b')
    expect(readCode('  ')).toBe('')
  })

  it('is shown in two halves', () => {
    expect(spacedCode('kq4mt7')).toBe('kq4 mt7')
    expect(spacedCode('history')).toBe('history')
  })

  it('goes into a link without what is personal', () => {
    const link = inviteLink('https://likeness.example/?token=secret&character=curie&begin=1', 'abc', 'mirror')
    expect(link).toBe('https://likeness.example/?scene=mirror&room=abc')
    expect(inviteLink('http://localhost:8080/', 'abc', 'study')).toBe('http://localhost:8080/?room=abc')
  })
})

describe('the list of people', () => {
  it('names people, whom they are, and what keeps them from speaking', () => {
    const lines = roster(
      {
        ...room(
          { ...ada, muted: true, away: true },
          teacher,
          person({ avatar: 0, session: 'o', role: 'observer' }),
        ),
        floor: 2,
      },
      characters,
    )
    expect(lines.map(line => line.title)).toEqual(['Ms Weber', 'Ada', 'Somebody who watches'])
    expect(lines[0]?.detail).toBe('as Albert Einstein · teacher · you')
    expect(lines[1]?.detail).toBe('as Marie Curie · student · muted · away, may return · has the floor')
    expect(lines[2]?.detail).toBe('watches · observer')
  })

  it('offers orders to moderators only', () => {
    const state = room(teacher, ada)
    expect(acts(roster(state, characters)[1]?.orders ?? [])).toEqual([
      'MUTE',
      'FREEZE',
      'GIVE_FLOOR',
      'REMOVE',
    ])
    const seenByAda = room({ ...teacher, self: false }, { ...ada, self: true })
    expect(roster(seenByAda, characters).flatMap(line => line.orders)).toEqual([])
    expect(roomOrders(seenByAda)).toEqual([])
  })

  it('turns an order round once it is carried out', () => {
    const state = { ...room(teacher, { ...ada, muted: true, frozen: true }), floor: 2 }
    expect(acts(roster(state, characters)[1]?.orders ?? [])).toEqual([
      'UNMUTE',
      'UNFREEZE',
      'OPEN_FLOOR',
      'REMOVE',
    ])
    expect(acts(roomOrders(state))).toEqual(['UNMUTE', 'UNFREEZE', 'OPEN_FLOOR', 'END_ROOM'])
  })

  it('gives moderators no orders against each other but the floor', () => {
    const state = room(teacher, { ...ada, moderator: true })
    expect(acts(roster(state, characters)[1]?.orders ?? [])).toEqual(['GIVE_FLOOR'])
  })

  it('asks before it removes somebody or ends the room, and only then', () => {
    const state = room(teacher, ada)
    const orders = [...roster(state, characters).flatMap(line => line.orders), ...roomOrders(state)]
    expect(acts(orders.filter(order => order.question !== ''))).toEqual(['REMOVE', 'END_ROOM'])
  })

  it('tells a person what concerns them', () => {
    const mine = { ...ada, self: true }
    const others = { ...teacher, self: false }
    expect(ownState(room(others, mine), characters)).toBe('')
    expect(ownState(room(others, { ...mine, muted: true }), characters)).toBe('A moderator has muted you')
    expect(ownState({ ...room(others, mine), floor: 2 }, characters)).toBe('You have the floor')
    expect(ownState({ ...room(others, mine), floor: 1 }, characters)).toBe('Ms Weber has the floor')
  })

  it('offers emotions to those who may set them', () => {
    expect(maySetEmotion(room(teacher))).toBe(true)
    expect(maySetEmotion(room({ ...ada, self: true }))).toBe(false)
    expect(maySetEmotion(room({ ...ada, self: true, role: 'guest' }))).toBe(true)
  })
})

describe('a room’s state on the wire', () => {
  it('is read with its defaults', () => {
    const message = readServerMessage(
      JSON.stringify({
        state: { room: 'r', code: 'kq4mt7', people: [{ avatar: 3, session: 'x', self: true }], floor: 3 },
      }),
    )
    expect(message).toEqual({
      kind: 'state',
      state: {
        room: 'r',
        code: 'kq4mt7',
        people: [person({ avatar: 3, session: 'x', self: true, role: '' })],
        floor: 3,
      },
    })
  })

  it('says where an avatar sits', () => {
    const message = readServerMessage(JSON.stringify({ header: { avatar: 2, seat: { x: 0.5, yaw: -1 } } }))
    if (message.kind !== 'header') throw new Error(message.kind)
    expect(message.header.seat).toEqual({ x: 0.5, y: 0, z: 0, yaw: -1 })
  })
})

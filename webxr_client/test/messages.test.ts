import { describe, expect, it } from 'vitest'
import { fromBase64, JsonReader } from '../src/wire/json'
import { readCharacters, readServerMessage } from '../src/wire/messages'
import { markText } from '../src/stage/mark'
import { readOptions } from '../src/options'

describe('server messages', () => {
  it('reads proto3 JSON: defaults left out, 64-bit numbers as strings, enums by name, bytes as base64', () => {
    const message = readServerMessage(
      JSON.stringify({
        welcome: {
          session: 's',
          avatar: 3,
          serverKey: 'AQID',
          headers: [
            {
              avatar: 3,
              components: ['a', 'b'],
              scales: [0.5, 0.25],
              tag: { generated: true, mark: 'GEN - X' },
              self: true,
            },
          ],
        },
      }),
    )
    if (message.kind !== 'welcome') throw new Error('not a welcome')
    expect(message.welcome.serverKey).toEqual(Uint8Array.of(1, 2, 3))
    expect(message.welcome.resumed).toBe(false)
    expect(message.welcome.headers[0]?.scales).toEqual([0.5, 0.25])
    expect(message.welcome.headers[0]?.certificate).toBeNull()

    const speech = readServerMessage(
      '{"speech":{"avatar":1,"phase":"STARTED","sample":"281474976710655","text":"hi"}}',
    )
    if (speech.kind !== 'speech') throw new Error('not speech')
    expect(speech.speech.sample).toBe(281474976710655)
    expect(speech.speech.phase).toBe('STARTED')

    const numbered = readServerMessage('{"notice":{"level":3,"text":"x","fatal":true}}')
    expect(numbered.kind === 'notice' && numbered.notice.level).toBe('ERROR')
  })

  it('takes a newer server’s messages and wrong types for unknown or default, never for an exception', () => {
    expect(readServerMessage('{"future":{}}').kind).toBe('unknown')
    expect(readServerMessage('[]').kind).toBe('unknown')
    const odd = readServerMessage('{"seal":{"session":5,"digests":{},"chunk":"x"}}')
    expect(odd.kind === 'seals' && odd.seals[0]?.chunk).toBe(0)
    const batch = readServerMessage('{"seals": {"seals": [{"avatar": 3}, {"avatar": 4}]}}')
    expect(batch.kind === 'seals' && batch.seals.map(seal => seal.avatar)).toEqual([3, 4])
    expect(readCharacters({ characters: 'none' })).toEqual([])
    expect(fromBase64('***')).toEqual(new Uint8Array())
    expect(new JsonReader(null).text('x')).toBe('')
  })

  it('throws a SyntaxError for what is no JSON', () => {
    expect(() => readServerMessage('{')).toThrow(SyntaxError)
  })
})

describe('the mark', () => {
  const tag = {
    generated: true,
    character: 'einstein',
    portrays: 'Albert Einstein',
    drivenBy: 'text',
    session: '',
    mark: '',
  }

  it('shows the server’s words, or builds them', () => {
    expect(markText({ ...tag, mark: 'GEN - A - driven by: voice' })).toBe('GEN - A - driven by: voice')
    expect(markText(tag)).toBe('GEN - Albert Einstein - driven by: text')
  })

  it('does not let a server hide it behind other words', () => {
    expect(markText({ ...tag, mark: 'a real person' })).toBe('GEN - Albert Einstein - driven by: text')
  })

  it('is empty, so that no avatar is drawn, where the tag does not say generated', () => {
    expect(markText({ ...tag, generated: false })).toBe('')
  })
})

describe('the page’s address', () => {
  it('is read strictly: unknown values count as not given', () => {
    const options = readOptions('?character=einstein&scene=moon&transport=ws&begin&quality=ultra&xr=iwer')
    expect(options).toMatchObject({
      character: 'einstein',
      scene: 'study',
      transport: 'ws',
      begin: true,
      quality: null,
      emulator: true,
    })
  })
})

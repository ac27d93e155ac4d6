import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  decodeFrame,
  decodePong,
  decodeVoice,
  encodePing,
  encodePose,
  encodeStop,
  encodeVoice,
  frameLength,
  type Hand,
  isNewer,
  type MotionFrame,
  PacketError,
  type Quat,
  type Vec3,
} from '../src/wire/packet'

const vectors = (name: string): never =>
  JSON.parse(readFileSync(new URL(`../../protos/vectors/${name}`, import.meta.url), 'utf8')) as never

interface HandValues {
  position: Vec3
  rotation: Quat
  grip: number
  pinch: number
}

interface FrameVector {
  name: string
  hex: string
  scales: number[]
  values: {
    avatar: number
    sequence: number
    end: boolean
    voiced: boolean
    tracked: boolean
    epoch: number
    driver: number
    sample: number
    eyelids: number[]
    jaw: number[]
    neck: number[]
    leftEye: number[]
    rightEye: number[]
    headRotation: number[]
    headTranslation: number[]
    expression: number[]
    hands: HandValues[]
  }
}

interface Refused {
  reason: string
  hex: string
}

const golden: {
  tolerance: Record<string, number>
  frames: FrameVector[]
  refused: Refused[]
  mismatched: { hex: string; scales: number[] }
  datagram: { hex: string; sizes: number[]; sequences: number[] }
  newer_epoch: { epoch: number; than: number; newer: boolean }[]
} = vectors('frames.json')

interface Datagram {
  name: string
  hex: string
  values: Record<string, unknown> & { type: string }
}
const datagrams: { datagrams: Datagram[] } = vectors('datagrams.json')

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
const view = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.byteLength)
const hex = (data: Uint8Array): string =>
  Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('')

function near(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string): void {
  expect(actual.length, what).toBe(wanted.length)
  for (let i = 0; i < wanted.length; i++) {
    expect(Math.abs((actual[i] as number) - (wanted[i] as number)), `${what}[${i}]`).toBeLessThanOrEqual(
      tolerance,
    )
  }
}

function expectHand(actual: Hand, wanted: HandValues): void {
  near(actual.position, wanted.position, golden.tolerance['metre'] as number, 'hand position')
  // q and -q are the same rotation.
  const sign =
    actual.rotation.reduce((sum, value, i) => sum + value * (wanted.rotation[i] as number), 0) < 0 ? -1 : 1
  near(
    actual.rotation.map(value => value * sign),
    wanted.rotation,
    golden.tolerance['quaternion'] as number,
    'hand rotation',
  )
  near(
    [actual.grip, actual.pinch],
    [wanted.grip, wanted.pinch],
    golden.tolerance['weight'] as number,
    'grip and pinch',
  )
}

function expectFrame(frame: MotionFrame, wanted: FrameVector['values']): void {
  for (const field of [
    'avatar',
    'sequence',
    'end',
    'voiced',
    'tracked',
    'epoch',
    'driver',
    'sample',
  ] as const) {
    expect(frame[field], field).toBe(wanted[field])
  }
  const angle = golden.tolerance['angle'] as number
  near(frame.eyelids, wanted.eyelids, golden.tolerance['eyelids'] as number, 'eyelids')
  near(frame.jaw, wanted.jaw, angle, 'jaw')
  near(frame.neck, wanted.neck, angle, 'neck')
  near([...frame.eyes.slice(0, 2), 0], wanted.leftEye, angle, 'left eye')
  near([...frame.eyes.slice(2, 4), 0], wanted.rightEye, angle, 'right eye')
  near(frame.headRotation, wanted.headRotation, angle, 'head rotation')
  near(frame.headTranslation, wanted.headTranslation, golden.tolerance['metre'] as number, 'head translation')
  near(frame.expression, wanted.expression, golden.tolerance['expression'] as number, 'expression')
  expect(frame.hands?.length ?? 0).toBe(wanted.hands.length)
  frame.hands?.forEach((hand, i) => {
    expectHand(hand, wanted.hands[i] as HandValues)
  })
}

describe('motion frames', () => {
  it.each(golden.frames.map(frame => [frame.name, frame] as const))(
    'decodes the golden frame "%s"',
    (_, vector) => {
      const data = bytes(vector.hex)
      expectFrame(decodeFrame(view(data), 0, vector.scales), vector.values)
      expect(frameLength(view(data), 0)).toBe(data.length)
    },
  )

  it.each(golden.refused.map(each => [each.reason, each] as const))('refuses: %s', (_, vector) => {
    const data = bytes(vector.hex)
    const decodeAll = (): void => {
      let offset = 0
      do {
        const length = frameLength(view(data), offset)
        const components = data[offset + 6] as number
        decodeFrame(view(data), offset, new Float32Array(components).fill(1e-3))
        offset += length
      } while (offset < data.length)
    }
    expect(decodeAll).toThrow(PacketError)
  })

  it('refuses a frame whose components are not those of its header', () => {
    const { hex: data, scales } = golden.mismatched
    expect(() => decodeFrame(view(bytes(data)), 0, scales)).toThrow(PacketError)
  })

  it('finds every frame of a datagram that holds several', () => {
    const data = view(bytes(golden.datagram.hex))
    const sizes: number[] = []
    const sequences: number[] = []
    for (let offset = 0; offset < data.byteLength; offset += sizes.at(-1) as number) {
      sizes.push(frameLength(data, offset))
      sequences.push(data.getUint32(offset + 8, true))
    }
    expect(sizes).toEqual(golden.datagram.sizes)
    expect(sequences).toEqual(golden.datagram.sequences)
  })

  it('survives any bytes: it decodes or throws a PacketError', () => {
    let state = 1
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 32
    }
    for (let i = 0; i < 20_000; i++) {
      const data = Uint8Array.from({ length: Math.floor(random() * 260) }, () => Math.floor(random() * 256))
      if (data.length > 1 && random() < 0.8) {
        data[0] = 1
        data[1] = (data[1] as number) & 0x0f
      }
      try {
        decodeFrame(view(data), 0, new Float32Array(data[6] ?? 0))
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError)
      }
    }
  })
})

describe('client datagrams', () => {
  const find = (type: string): Datagram[] => datagrams.datagrams.filter(each => each.values.type === type)

  it('encodes stop as the golden datagrams say', () => {
    expect(find('stop').length).toBeGreaterThan(0)
    for (const { values, hex: wanted } of find('stop')) {
      expect(hex(encodeStop(values['avatar'] as number, values['epoch'] as number))).toBe(wanted)
    }
  })

  it('encodes poses as the golden datagrams say', () => {
    expect(find('pose').length).toBeGreaterThan(0)
    for (const { values, hex: wanted } of find('pose')) {
      const hands = values['hands'] as HandValues[]
      const encoded = encodePose(
        {
          position: values['position'] as Vec3,
          rotation: values['rotation'] as Quat,
          hands: hands.length === 2 ? [hands[0] as Hand, hands[1] as Hand] : null,
        },
        values['sequence'] as number,
      )
      expect(hex(encoded)).toBe(wanted)
    }
  })

  it('encodes pings, and reads pongs and voice, as the golden datagrams say', () => {
    for (const { values, hex: wanted } of find('ping')) {
      const time = (values['clientTime'] ?? values['client_time']) as number
      expect(hex(encodePing(values['nonce'] as number, time))).toBe(wanted)
    }
    for (const { values, hex: wanted } of find('pong')) {
      expect(decodePong(view(bytes(wanted)))?.nonce).toBe(values['nonce'])
    }
    expect(find('voice').length).toBeGreaterThan(0)
    for (const { values, hex: wanted } of find('voice')) {
      const packet = decodeVoice(view(bytes(wanted)))
      expect(packet?.sample).toBe(values['sample'])
      expect(packet?.avatar).toBe(values['avatar'])
      if (packet) expect(hex(encodeVoice(packet))).toBe(wanted)
    }
  })
})

describe('epochs', () => {
  it('compares in serial arithmetic', () => {
    for (const { epoch, than, newer } of golden.newer_epoch) expect(isNewer(epoch, than)).toBe(newer)
    expect(isNewer(1, 0)).toBe(true)
    expect(isNewer(0, 65535)).toBe(true)
    expect(isNewer(65535, 0)).toBe(false)
    expect(isNewer(5, 5)).toBe(false)
    expect(isNewer(0, 2 ** 32 - 1, 32)).toBe(true)
  })
})

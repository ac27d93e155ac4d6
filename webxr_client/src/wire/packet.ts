/** Motion frames and client datagrams: the byte layouts of docs/protocol.md. */

export const SAMPLE_RATE = 48_000
export const MAX_DATAGRAM = 1100

const MOTION = 0x01
const STOP = 0x02
const POSE = 0x05
const VOICE = 0x08
const PING = 0x09
const PONG = 0x0a

const HEADER_BYTES = 52
const HAND_BYTES = 12
const MAX_COMPONENTS = 100
const ANGLE = Math.PI / 32767
const HEAD_METRES = 1 / 2048
const HAND_METRES = 1 / 8192

export type Vec3 = [number, number, number]
export type Quat = [number, number, number, number]

export interface Hand {
  /** Metres, relative to the head's translation. */
  position: Vec3
  /** Unit quaternion x, y, z, w. */
  rotation: Quat
  grip: number
  pinch: number
}

export interface MotionFrame {
  avatar: number
  epoch: number
  driver: number
  sequence: number
  /** Media clock, 48 kHz. */
  sample: number
  voiced: boolean
  tracked: boolean
  end: boolean
  /** Left, right; 1 = closed. */
  eyelids: [number, number]
  jaw: Vec3
  neck: Vec3
  /** Left and right eye: pitch (+ down) and yaw (+ to the avatar's left), radians. */
  eyes: [number, number, number, number]
  headRotation: Vec3
  headTranslation: Vec3
  /** psi, already multiplied by the header's scales. */
  expression: Float32Array
  hands: [Hand, Hand] | null
  /** The very bytes of the frame: what a seal signs. */
  bytes: Uint8Array
}

/** A datagram that breaks the layout. It is counted and dropped; it never ends a session. */
export class PacketError extends Error {
  override name = 'PacketError'
}

/** Length of the frame that starts at `offset`, from its own first bytes. Throws PacketError. */
export function frameLength(data: DataView, offset: number): number {
  if (data.byteLength - offset < HEADER_BYTES) throw new PacketError('motion frame is cut off in its header')
  if (data.getUint8(offset) !== MOTION)
    throw new PacketError(`kind ${data.getUint8(offset)} is not a motion frame`)
  const flags = data.getUint8(offset + 1)
  if (flags & 0xf0) throw new PacketError('motion frame has unknown flags')
  const components = data.getUint8(offset + 6)
  if (components > MAX_COMPONENTS) throw new PacketError(`motion frame has ${components} components`)
  const length = HEADER_BYTES + 2 * components + (flags & 1 ? 2 * HAND_BYTES : 0)
  if (data.byteLength - offset < length) throw new PacketError('motion frame is cut off')
  return length
}

/** The avatar that a frame belongs to, without decoding the rest. */
export function frameAvatar(data: DataView, offset: number): number {
  return data.getUint16(offset + 2, true)
}

/** Decodes the frame at `offset`. `scales` has one step a component; its length must fit the frame. */
export function decodeFrame(data: DataView, offset: number, scales: ArrayLike<number>): MotionFrame {
  const length = frameLength(data, offset)
  const u8 = (at: number): number => data.getUint8(offset + at)
  const i16 = (at: number): number => data.getInt16(offset + at, true)
  const angles = (at: number): Vec3 => [i16(at) * ANGLE, i16(at + 2) * ANGLE, i16(at + 4) * ANGLE]
  const components = u8(6)
  if (components !== scales.length) {
    throw new PacketError(`motion frame has ${components} components, its header ${scales.length}`)
  }
  const expression = new Float32Array(components)
  for (let i = 0; i < components; i++) expression[i] = i16(HEADER_BYTES + 2 * i) * (scales[i] as number)
  const flags = u8(1)
  const handsAt = offset + HEADER_BYTES + 2 * components
  return {
    avatar: frameAvatar(data, offset),
    epoch: data.getUint16(offset + 4, true),
    driver: u8(7),
    sequence: data.getUint32(offset + 8, true),
    sample: readUint48(data, offset + 12),
    voiced: (flags & 2) !== 0,
    tracked: (flags & 4) !== 0,
    end: (flags & 8) !== 0,
    eyelids: [u8(18) / 255, u8(19) / 255],
    jaw: angles(20),
    neck: angles(26),
    eyes: [i16(32) * ANGLE, i16(34) * ANGLE, i16(36) * ANGLE, i16(38) * ANGLE],
    headRotation: angles(40),
    headTranslation: [i16(46) * HEAD_METRES, i16(48) * HEAD_METRES, i16(50) * HEAD_METRES],
    expression,
    hands: flags & 1 ? [decodeHand(data, handsAt), decodeHand(data, handsAt + HAND_BYTES)] : null,
    bytes: new Uint8Array(data.buffer, data.byteOffset + offset, length).slice(),
  }
}

/** True if epoch or sequence `a` comes after `b` in serial arithmetic of `bits` bits. */
export function isNewer(a: number, b: number, bits: 16 | 32 = 16): boolean {
  const difference = bits === 16 ? (a - b) & 0xffff : (a - b) >>> 0
  return difference !== 0 && difference < 2 ** (bits - 1)
}

export function encodeStop(avatar: number, epoch: number): Uint8Array {
  const data = new DataView(new ArrayBuffer(6))
  data.setUint8(0, STOP)
  data.setUint16(2, avatar, true)
  data.setUint16(4, epoch & 0xffff, true)
  return new Uint8Array(data.buffer)
}

export function encodePing(nonce: number, clientTimeMs: number): Uint8Array {
  const data = new DataView(new ArrayBuffer(16))
  data.setUint8(0, PING)
  data.setUint32(4, nonce >>> 0, true)
  data.setFloat64(8, clientTimeMs, true)
  return new Uint8Array(data.buffer)
}

export interface Pong {
  nonce: number
  clientTimeMs: number
  serverTimeMs: number
}

/** A pong, or null if the datagram is something else. */
export function decodePong(data: DataView): Pong | null {
  if (data.byteLength !== 24 || data.getUint8(0) !== PONG) return null
  return {
    nonce: data.getUint32(4, true),
    clientTimeMs: data.getFloat64(8, true),
    serverTimeMs: data.getFloat64(16, true),
  }
}

/** The pong for a server's ping, or null if the datagram is something else. */
export function answerPing(data: DataView): Uint8Array | null {
  if (data.byteLength !== 16 || data.getUint8(0) !== PING) return null
  const pong = new DataView(new ArrayBuffer(24))
  pong.setUint8(0, PONG)
  pong.setUint32(4, data.getUint32(4, true), true)
  pong.setFloat64(8, data.getFloat64(8, true), true)
  pong.setFloat64(16, Date.now(), true)
  return new Uint8Array(pong.buffer)
}

export type VoiceCodec = 'pcm16' | 'opus'

export interface VoicePacket {
  codec: VoiceCodec
  avatar: number
  sample: number
  payload: Uint8Array
}

const VOICE_HEADER = 10

export function encodeVoice(packet: VoicePacket): Uint8Array {
  const bytes = new Uint8Array(VOICE_HEADER + packet.payload.byteLength)
  const data = new DataView(bytes.buffer)
  data.setUint8(0, VOICE)
  data.setUint8(1, packet.codec === 'opus' ? 2 : 1)
  data.setUint16(2, packet.avatar, true)
  writeUint48(data, 4, packet.sample)
  bytes.set(packet.payload, VOICE_HEADER)
  return bytes
}

/** A voice packet, or null if the message is something else. */
export function decodeVoice(data: DataView): VoicePacket | null {
  if (data.byteLength < VOICE_HEADER || data.getUint8(0) !== VOICE) return null
  const codec = data.getUint8(1)
  if (codec !== 1 && codec !== 2) return null
  return {
    codec: codec === 2 ? 'opus' : 'pcm16',
    avatar: data.getUint16(2, true),
    sample: readUint48(data, 4),
    payload: new Uint8Array(data.buffer, data.byteOffset + VOICE_HEADER, data.byteLength - VOICE_HEADER),
  }
}

export interface Pose {
  position: Vec3
  rotation: Quat
  /** Left and right, scene space; null without tracked hands. */
  hands: [Hand, Hand] | null
}

export function encodePose(pose: Pose, sequence: number): Uint8Array {
  const handBytes = 4 * 7 + 2
  const data = new DataView(new ArrayBuffer(36 + (pose.hands ? 2 * handBytes : 0)))
  data.setUint8(0, POSE)
  data.setUint8(1, pose.hands ? 1 : 0)
  data.setUint32(4, sequence >>> 0, true)
  const put = (at: number, values: readonly number[]): void => {
    values.forEach((value, i) => {
      data.setFloat32(at + 4 * i, value, true)
    })
  }
  put(8, pose.position)
  put(20, pose.rotation)
  pose.hands?.forEach((hand, i) => {
    const at = 36 + i * handBytes
    put(at, hand.position)
    put(at + 12, hand.rotation)
    data.setUint8(at + 28, Math.round(Math.min(Math.max(hand.grip, 0), 1) * 255))
    data.setUint8(at + 29, Math.round(Math.min(Math.max(hand.pinch, 0), 1) * 255))
  })
  return new Uint8Array(data.buffer)
}

function decodeHand(data: DataView, at: number): Hand {
  const i16 = (offset: number): number => data.getInt16(at + offset, true) * HAND_METRES
  return {
    position: [i16(0), i16(2), i16(4)],
    rotation: smallestThree(data.getUint32(at + 6, true)),
    grip: data.getUint8(at + 10) / 255,
    pinch: data.getUint8(at + 11) / 255,
  }
}

function smallestThree(word: number): Quat {
  const missing = word >>> 30
  const q: Quat = [0, 0, 0, 0]
  let shift = 20
  let rest = 1
  for (let i = 0; i < 4; i++) {
    if (i === missing) continue
    const value = ((((word >>> shift) & 0x3ff) / 1023) * 2 - 1) / Math.SQRT2
    q[i] = value
    rest -= value * value
    shift -= 10
  }
  q[missing] = Math.sqrt(Math.max(rest, 0))
  return q
}

function readUint48(data: DataView, at: number): number {
  return data.getUint32(at, true) + data.getUint16(at + 4, true) * 2 ** 32
}

function writeUint48(data: DataView, at: number, value: number): void {
  data.setUint32(at, value % 2 ** 32, true)
  data.setUint16(at + 4, Math.floor(value / 2 ** 32) & 0xffff, true)
}

/** The messages of protos/likeness/v1 that the page reads and writes, as proto3 JSON. */
import { JsonReader } from './json'

export const DRIVERS = [
  'DRIVER_UNSPECIFIED',
  'DRIVER_TEXT',
  'DRIVER_VOICE',
  'DRIVER_TRACKING',
  'DRIVER_RECORDING',
  'DRIVER_AI',
  'DRIVER_IDLE',
] as const
export const PHASES = ['PHASE_UNSPECIFIED', 'QUEUED', 'STARTED', 'FINISHED', 'STOPPED', 'FAILED'] as const
export const LEVELS = ['LEVEL_UNSPECIFIED', 'INFO', 'WARNING', 'ERROR'] as const

export const ACTS = [
  'ACT_UNSPECIFIED',
  'MUTE',
  'UNMUTE',
  'FREEZE',
  'UNFREEZE',
  'GIVE_FLOOR',
  'OPEN_FLOOR',
  'REMOVE',
  'END_ROOM',
] as const
export const EMOTIONS = ['joy', 'sadness', 'anger', 'fear', 'surprise', 'disgust', 'calm'] as const

export type Act = (typeof ACTS)[number]
export type EmotionName = (typeof EMOTIONS)[number]
export type Phase = (typeof PHASES)[number]
export type Level = (typeof LEVELS)[number]

export interface GeneratedTag {
  generated: boolean
  character: string
  portrays: string
  drivenBy: string
  session: string
  mark: string
}

export interface SessionCertificate {
  session: string
  publicKey: Uint8Array
  serverKey: Uint8Array
  signature: Uint8Array
  notBefore: string
  notAfter: string
}

export interface StreamHeader {
  avatar: number
  character: string
  name: string
  head: string
  components: string[]
  scales: number[]
  avatarUrl: string
  /** A lighter file; empty: there is none. */
  farAvatarUrl: string
  avatarSha256: string
  tag: GeneratedTag
  certificate: SessionCertificate | null
  controlsOnly: boolean
  session: string
  self: boolean
  /** Where the room put it; null: the page places it. */
  seat: Seat | null
}

/** A point on the floor in scene space, metres, and the heading there: radians about y, 0 faces +z. */
export interface Seat {
  x: number
  y: number
  z: number
  yaw: number
}

/** Somebody in the room; `avatar` 0 is an observer. */
export interface Person {
  avatar: number
  session: string
  name: string
  role: string
  muted: boolean
  frozen: boolean
  away: boolean
  self: boolean
  moderator: boolean
}

export interface RoomState {
  room: string
  /** Short, to be read out or written on a board. */
  code: string
  people: Person[]
  /** The avatar that has the floor; 0: everybody may speak. */
  floor: number
}

export interface Seal {
  session: string
  avatar: number
  chunk: number
  firstSequence: number
  digests: Uint8Array
  previous: Uint8Array
  signature: Uint8Array
}

export interface Welcome {
  session: string
  room: string
  resume: string
  avatar: number
  resumed: boolean
  headers: StreamHeader[]
  serverKey: Uint8Array
  resumeSeconds: number
  scene: string
}

export interface SpeechState {
  avatar: number
  id: number
  phase: Phase
  sample: number
  text: string
  error: string
}

export interface RtpMap {
  avatar: number
  mid: string
  rtpTimestamp: number
  sample: number
}

export interface Notice {
  level: Level
  code: string
  text: string
  fatal: boolean
}

export type ServerMessage =
  | { kind: 'welcome'; welcome: Welcome }
  | { kind: 'header'; header: StreamHeader }
  | { kind: 'seals'; seals: Seal[] }
  | { kind: 'rtp'; rtp: RtpMap }
  | { kind: 'speech'; speech: SpeechState }
  | { kind: 'mark'; avatar: number; tag: GeneratedTag }
  | { kind: 'left'; avatar: number; reason: string }
  | { kind: 'notice'; notice: Notice }
  | { kind: 'pong'; nonce: number }
  | { kind: 'state'; state: RoomState }
  | { kind: 'unknown' }

export interface Hello {
  character?: string
  scene?: string
  room?: string
  token?: string
  resume?: string
  name?: string
  wantVoice?: boolean
  batchSeals?: boolean
  voiceCodec?: 'PCM16' | 'OPUS'
}

/** What the page sends on the reliable side; exactly one key. */
export type ClientMessage =
  | { hello: Hello }
  | { say: { text: string; id: number } }
  | { stop: { epoch: number; avatar: number } }
  | { microphone: { open: boolean; hearSelf: boolean; sampleRate: number } }
  | { listener: { x: number; y: number; z: number } }
  | { ping: { nonce: number; clientTimeMs: number } }
  | { consent: { faceCapture: boolean; recording: boolean } }
  | { calibrate: Record<string, never> }
  | { moderate: { act: Act; avatar: number; session: string; reason: string } }
  | { emotion: { name: EmotionName; weight: number } }
  | { bye: { reason: string } }

export interface CharacterInfo {
  id: string
  name: string
  born: string
  died: string
  summary: string
  avatarUrl: string
  /** A lighter file; empty: there is none. */
  farAvatarUrl: string
  portraitUrl: string
  rights: string
  head: string
}

/** Reads one text message of the server. Throws SyntaxError if it is not JSON. */
export function readServerMessage(text: string): ServerMessage {
  const root = new JsonReader(JSON.parse(text))
  if (root.has('welcome')) return { kind: 'welcome', welcome: readWelcome(root.child('welcome')) }
  if (root.has('header')) return { kind: 'header', header: readHeader(root.child('header')) }
  if (root.has('seal')) return { kind: 'seals', seals: [readSeal(root.child('seal'))] }
  if (root.has('seals')) return { kind: 'seals', seals: root.child('seals').children('seals').map(readSeal) }
  if (root.has('rtp')) {
    const rtp = root.child('rtp')
    return {
      kind: 'rtp',
      rtp: {
        avatar: rtp.number('avatar'),
        mid: rtp.text('mid'),
        rtpTimestamp: rtp.number('rtpTimestamp'),
        sample: rtp.number('sample'),
      },
    }
  }
  if (root.has('speech')) {
    const speech = root.child('speech')
    return {
      kind: 'speech',
      speech: {
        avatar: speech.number('avatar'),
        id: speech.number('id'),
        phase: speech.choice('phase', PHASES),
        sample: speech.number('sample'),
        text: speech.text('text'),
        error: speech.text('error'),
      },
    }
  }
  if (root.has('mark')) {
    const mark = root.child('mark')
    return { kind: 'mark', avatar: mark.number('avatar'), tag: readTag(mark.child('tag')) }
  }
  if (root.has('left')) {
    const left = root.child('left')
    return { kind: 'left', avatar: left.number('avatar'), reason: left.text('reason') }
  }
  if (root.has('notice')) {
    const notice = root.child('notice')
    return {
      kind: 'notice',
      notice: {
        level: notice.choice('level', LEVELS),
        code: notice.text('code'),
        text: notice.text('text'),
        fatal: notice.flag('fatal'),
      },
    }
  }
  if (root.has('state')) return { kind: 'state', state: readRoomState(root.child('state')) }
  if (root.has('pong')) return { kind: 'pong', nonce: root.child('pong').number('nonce') }
  return { kind: 'unknown' }
}

export function readWelcome(reader: JsonReader): Welcome {
  return {
    session: reader.text('session'),
    room: reader.text('room'),
    resume: reader.text('resume'),
    avatar: reader.number('avatar'),
    resumed: reader.flag('resumed'),
    headers: reader.children('headers').map(readHeader),
    serverKey: reader.bytes('serverKey'),
    resumeSeconds: reader.number('resumeSeconds'),
    scene: reader.text('scene'),
  }
}

export function readHeader(reader: JsonReader): StreamHeader {
  return {
    avatar: reader.number('avatar'),
    character: reader.text('character'),
    name: reader.text('name'),
    head: reader.text('head'),
    components: reader.texts('components'),
    scales: reader.numbers('scales'),
    avatarUrl: reader.text('avatarUrl'),
    farAvatarUrl: reader.text('farAvatarUrl'),
    avatarSha256: reader.text('avatarSha256'),
    tag: readTag(reader.child('tag')),
    certificate: reader.has('certificate') ? readCertificate(reader.child('certificate')) : null,
    controlsOnly: reader.flag('controlsOnly'),
    session: reader.text('session'),
    self: reader.flag('self'),
    seat: reader.has('seat') ? readSeat(reader.child('seat')) : null,
  }
}

function readSeat(reader: JsonReader): Seat {
  return { x: reader.number('x'), y: reader.number('y'), z: reader.number('z'), yaw: reader.number('yaw') }
}

export function readRoomState(reader: JsonReader): RoomState {
  return {
    room: reader.text('room'),
    code: reader.text('code'),
    people: reader.children('people').map(person => ({
      avatar: person.number('avatar'),
      session: person.text('session'),
      name: person.text('name'),
      role: person.text('role'),
      muted: person.flag('muted'),
      frozen: person.flag('frozen'),
      away: person.flag('away'),
      self: person.flag('self'),
      moderator: person.flag('moderator'),
    })),
    floor: reader.number('floor'),
  }
}

export function readTag(reader: JsonReader): GeneratedTag {
  return {
    generated: reader.flag('generated'),
    character: reader.text('character'),
    portrays: reader.text('portrays'),
    drivenBy: reader.text('drivenBy'),
    session: reader.text('session'),
    mark: reader.text('mark'),
  }
}

export function readCertificate(reader: JsonReader): SessionCertificate {
  return {
    session: reader.text('session'),
    publicKey: reader.bytes('publicKey'),
    serverKey: reader.bytes('serverKey'),
    signature: reader.bytes('signature'),
    notBefore: reader.text('notBefore'),
    notAfter: reader.text('notAfter'),
  }
}

export function readSeal(reader: JsonReader): Seal {
  return {
    session: reader.text('session'),
    avatar: reader.number('avatar'),
    chunk: reader.number('chunk'),
    firstSequence: reader.number('firstSequence'),
    digests: reader.bytes('digests'),
    previous: reader.bytes('previous'),
    signature: reader.bytes('signature'),
  }
}

export function readCharacters(value: unknown): CharacterInfo[] {
  return new JsonReader(value).children('characters').map(reader => ({
    id: reader.text('id'),
    name: reader.text('name'),
    born: reader.text('born'),
    died: reader.text('died'),
    summary: reader.text('summary'),
    avatarUrl: reader.text('avatarUrl'),
    farAvatarUrl: reader.text('farAvatarUrl'),
    portraitUrl: reader.text('portraitUrl'),
    rights: reader.text('rights'),
    head: reader.text('head'),
  }))
}

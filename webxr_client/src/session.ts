import { type Link, type LinkEvents, RefusedError } from './link/link'
import { RtcLink } from './link/rtc'
import { WsLink } from './link/ws'
import { Performer } from './performer'
import { Capture } from './sound/capture'
import { Mouth } from './sound/mouth'
import type { Microphone } from './sound/microphone'
import { decodesOpus } from './sound/opus'
import { RtcVoice } from './sound/rtc-voice'
import { ScheduledVoice } from './sound/scheduled-voice'
import { SealCheck } from './trust/seal-check'
import type {
  Act,
  ClientMessage,
  EmotionName,
  Hello,
  Notice,
  RoomState,
  RtpMap,
  SpeechState,
  StreamHeader,
  Welcome,
} from './wire/messages'
import { readServerMessage } from './wire/messages'
import {
  encodePose,
  encodeStop,
  encodeVoice,
  frameAvatar,
  frameLength,
  type Pose,
  type VoicePacket,
} from './wire/packet'

/** Once the server has answered, WebRTC has this long; then the WebSocket takes over. */
const RTC_DEADLINE_MS = 2600
/** A server that says nothing for so long gets another try; on a busy machine each try may take longer. */
const ANSWER_MS = 5000
const LONGEST_ANSWER_MS = 30_000
/** What is not there after so long is not coming: then the person decides. */
const PATIENCE_MS = 120_000
const DELAYS_MS = [0, 500, 1000, 1000, 1500]
/** Copies of a stop on the lossy channel, ms after the order. */
const STOP_COPIES_MS = [0, 5, 10, 15, 20]

export type SessionState = 'connecting' | 'live' | 'lost' | 'resuming' | 'ended' | 'failed'
export type TransportChoice = 'auto' | 'rtc' | 'ws'

export interface SessionEvents {
  state(state: SessionState, words: string): void
  welcomed(welcome: Welcome): void
  /** The old session was over: this is another, in which nothing is allowed yet. */
  renewed(): void
  joined(performer: Performer): void
  left(avatar: number, reason: string): void
  marked(performer: Performer): void
  speech(speech: SpeechState): void
  /** Who is in the room, whenever something about that changed. */
  room(state: RoomState): void
  notice(notice: Notice): void
}

export interface PacketCounts {
  datagrams: number
  frames: number
  dropped: number
  malformed: number
  late: number
  bytes: number
}

/**
 * A stay in a room: one connection at a time, resumed with its token after a cut, WebRTC where it can be had
 * within 3 s and the WebSocket otherwise. Knows the performers; draws nothing.
 */
export class Session {
  readonly performers = new Map<number, Performer>()
  readonly counts: PacketCounts = { datagrams: 0, frames: 0, dropped: 0, malformed: 0, late: 0, bytes: 0 }
  welcome: Welcome | null = null
  resumed = 0
  #state: SessionState = 'connecting'
  #link: Link | null = null
  #hello: Hello
  #sayId = 0
  #hearSelf = false
  #capture: Capture | null = null
  #talking = false
  #resumeNow: (() => void) | null = null
  #poseSequence = 0
  #rtcFailed = false
  /** Leads back to this stay for as long as the server keeps it. */
  #token = ''
  readonly #maps = new Map<string, RtpMap>()
  readonly #context: AudioContext
  readonly #microphone: Microphone
  readonly #events: SessionEvents
  readonly #choice: TransportChoice
  readonly #iceServers: RTCIceServer[]

  constructor(options: {
    hello: Hello
    context: AudioContext
    microphone: Microphone
    events: SessionEvents
    choice: TransportChoice
    iceServers: RTCIceServer[]
  }) {
    this.#hello = options.hello
    this.#context = options.context
    this.#microphone = options.microphone
    this.#events = options.events
    this.#choice = options.choice
    this.#iceServers = options.iceServers
    addEventListener('online', this.#online)
  }

  get state(): SessionState {
    return this.#state
  }

  get transport(): 'none' | 'webrtc' | 'websocket' {
    return this.#link?.kind ?? 'none'
  }

  /** The performer that this person drives; null for an observer. */
  get own(): Performer | null {
    return (this.welcome && this.performers.get(this.welcome.avatar)) ?? null
  }

  /**
   * Connects, to the stay of `resume` if it still waits. A server that is slow to answer is tried again, and the
   * person told so. Rejects with words a person can read.
   */
  async begin(resume = ''): Promise<void> {
    this.#change('connecting', 'Connecting')
    const since = performance.now()
    for (let attempt = 0; !this.#ended; attempt++) {
      const stay = this.#token || resume
      try {
        await (stay ? this.#return(stay, attempt) : this.#connect(this.#hello, attempt))
        return
      } catch (error) {
        if (this.#ended) return
        if (error instanceof RefusedError || performance.now() - since > PATIENCE_MS) {
          this.#finish('failed', words(error))
          throw error
        }
        this.#change('connecting', 'No answer yet. Still trying')
      }
      await this.#pause(attempt + 1)
    }
  }

  /** Asks the own character to say something; returns the number that its SpeechStates carry. */
  say(text: string): number {
    const id = ++this.#sayId
    this.#send({ say: { text, id } })
    return id
  }

  /** Stops the own character: here at once, at the server by five quick copies and one sure one. */
  stop(): void {
    const own = this.own
    if (!own || !this.welcome) return
    const { avatar } = this.welcome
    const epoch = own.stop(performance.now())
    const datagram = encodeStop(avatar, epoch)
    for (const delay of STOP_COPIES_MS) {
      if (delay === 0) this.#link?.sendMotion(datagram)
      else setTimeout(() => this.#link?.sendMotion(datagram), delay)
    }
    this.#send({ stop: { epoch, avatar } })
  }

  /** Opens the microphone. Rejects with the browser's own error. */
  async talk(): Promise<void> {
    this.#talking = true
    const track = await this.#microphone.open()
    if (!this.#talking) {
      this.#microphone.mute()
      return
    }
    await this.#attachMicrophone(track)
    this.#tellMicrophone()
  }

  hush(): void {
    this.#talking = false
    this.#microphone.mute()
    this.#capture?.stop()
    this.#capture = null
    this.#tellMicrophone()
  }

  setHearSelf(on: boolean): void {
    this.#hearSelf = on
    this.#tellMicrophone()
  }

  /**
   * Lets the person's own face drive the character, or takes that back: the server stops at once. `recording`:
   * it may keep what it is sent of the face; without, it deletes what it kept.
   */
  allowFace(on: boolean, recording: boolean): void {
    this.#send({ consent: { faceCapture: on, recording } })
  }

  /** The next second of landmarks is the person's neutral face. */
  calibrate(): void {
    if (this.#state === 'live') this.#send({ calibrate: {} })
  }

  /** For those who may moderate; without `whom` it is for everybody but them, or the room itself. */
  moderate(act: Act, whom: { avatar: number; session: string } | null, reason: string): void {
    const { avatar, session } = whom ?? { avatar: 0, session: '' }
    this.#send({ moderate: { act, avatar, session, reason } })
  }

  /** A lasting expression of the own character; weight 0 takes it away. */
  feel(name: EmotionName, weight: number): void {
    this.#send({ emotion: { name, weight } })
  }

  /** The person's head and hands, in the space of the own seat. */
  sendPose(pose: Pose): void {
    if (this.#state === 'live') this.#link?.sendMotion(encodePose(pose, this.#poseSequence++))
  }

  /** One picture's landmarks, without retransmission: a fresh one is better than a late one. */
  sendLandmarks(datagram: Uint8Array): void {
    if (this.#state === 'live') this.#link?.sendMotion(datagram)
  }

  tellListener(at: { x: number; y: number; z: number }): void {
    if (this.#state === 'live') this.#send({ listener: at })
  }

  /** Another gesture of the person: sound that the browser held back may start. */
  unlockSound(): void {
    void this.#context.resume()
    for (const performer of this.performers.values()) if (performer.voice) performer.voice.unsilence()
  }

  async voiceBytes(): Promise<number> {
    return (await this.#link?.voiceBytes()) ?? 0
  }

  end(reason: string): void {
    if (this.#state === 'ended') return
    this.#send({ bye: { reason } })
    this.#finish('ended', '')
  }

  /** Cuts the connection as a broken network would (for tests of resuming). */
  cut(): void {
    const link = this.#link
    link?.close()
    if (link) this.#lost('the connection was cut')
  }

  // --- connecting

  async #return(resume: string, attempt: number): Promise<void> {
    try {
      await this.#connect({ resume }, attempt)
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      // That stay is over on the server; this is a new one.
      await this.#connect(this.#hello, attempt)
    }
  }

  /** `attempt`: how often it was tried before; what takes long gets longer each time. */
  async #connect(hello: Hello, attempt: number): Promise<void> {
    let wanted = hello
    const answer = Math.min(ANSWER_MS * 1.5 ** attempt, LONGEST_ANSWER_MS)
    if (this.#choice !== 'ws' && !this.#rtcFailed && typeof RTCPeerConnection !== 'undefined') {
      try {
        const link = await RtcLink.connect(
          wanted,
          this.#linkEvents(),
          { answer, open: RTC_DEADLINE_MS },
          this.#iceServers,
          welcome => {
            // Should WebRTC still fail, the WebSocket goes on with this very session.
            if (welcome.resume) wanted = { resume: (this.#token = welcome.resume) }
          },
        )
        this.#adopt(link, link.welcome)
        return
      } catch (error) {
        if (error instanceof RefusedError || this.#choice === 'rtc') throw error
        this.#rtcFailed = true
      }
    }
    const opus = await decodesOpus()
    const link = await WsLink.connect(
      { ...wanted, wantVoice: true, batchSeals: true, voiceCodec: opus ? 'OPUS' : 'PCM16' },
      this.#linkEvents(),
      answer,
    )
    this.#adopt(link, link.welcome)
  }

  #linkEvents(): LinkEvents {
    // Messages may come before `connect` resolves; those of a link that was given up must not count.
    return {
      control: text => this.#control(text),
      motion: data => this.#motion(data),
      voice: packet => this.#voice(packet),
      down: reason => this.#lost(reason),
    }
  }

  #adopt(link: Link, welcome: Welcome): void {
    if (this.#ended) {
      // The person left while this was on its way.
      link.sendControl({ bye: { reason: 'left' } })
      link.close()
      return
    }
    this.#link = link
    this.#token = welcome.resume
    if (this.welcome) this.resumed++
    this.welcome = welcome
    const present = new Set(welcome.headers.map(header => header.avatar))
    for (const id of [...this.performers.keys()])
      if (!present.has(id)) this.#depart(id, 'left while you were away')
    for (const header of welcome.headers) this.#arrive(header)
    if (link instanceof RtcLink) {
      for (const performer of this.performers.values()) performer.setVoice(null)
      this.#bindLines()
    }
    this.#events.welcomed(welcome)
    this.#change('live', link.kind === 'webrtc' ? 'Connected' : 'Connected (WebSocket)')
    if (this.#talking) {
      void this.#microphone.open().then(track => this.#attachMicrophone(track))
      this.#tellMicrophone()
    }
  }

  #lost(reason: string): void {
    if (this.#state !== 'live' && this.#state !== 'resuming') return
    this.#link = null
    this.#capture?.stop()
    this.#capture = null
    for (const performer of this.performers.values()) performer.setVoice(null)
    this.#maps.clear()
    if (this.#state === 'resuming') return
    this.#change('lost', `Connection lost: ${reason}`)
    void this.#resume()
  }

  async #resume(): Promise<void> {
    const room = this.welcome?.room ?? ''
    const since = performance.now()
    for (let attempt = 0; performance.now() - since < PATIENCE_MS; attempt++) {
      await this.#pause(attempt)
      if (this.#ended) return
      this.#change('resuming', 'Connection lost. Reconnecting')
      try {
        await (this.#token ? this.#connect({ resume: this.#token }, attempt) : this.#anew(room, attempt))
        return
      } catch (error) {
        if (this.#ended) return
        if (error instanceof RefusedError && !this.#token) {
          this.#finish('failed', words(error))
          return
        }
        if (error instanceof RefusedError) {
          // The server kept the place for a while, and that is over; the person still wants to be there.
          this.#token = ''
          attempt = -1
        }
        // Whether UDP passes may have changed with the network.
        else this.#rtcFailed = false
      }
    }
    this.#finish(
      'failed',
      'The server did not come back in time. Check that it runs, then press Begin again.',
    )
  }

  /** A new session in place of one that is over: what was allowed in that one is not allowed in this. */
  async #anew(room: string, attempt: number): Promise<void> {
    this.#talking = false
    this.#microphone.mute()
    for (const id of [...this.performers.keys()]) this.#depart(id, '')
    this.welcome = null
    try {
      await this.#connect({ ...this.#hello, room }, attempt)
    } catch (error) {
      // The room may be gone with the session.
      if (!(error instanceof RefusedError) || room === this.#hello.room) throw error
      await this.#connect(this.#hello, attempt)
    }
    this.#events.renewed()
  }

  /** Whether the person has left meanwhile. */
  get #ended(): boolean {
    return this.#state === 'ended'
  }

  /** Waits before a try; the network's return cuts it short. */
  async #pause(attempt: number): Promise<void> {
    const delay = DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)] as number
    await new Promise<void>(resolve => {
      this.#resumeNow = resolve
      setTimeout(resolve, delay)
    })
  }

  #online = (): void => this.#resumeNow?.()

  #finish(state: 'ended' | 'failed', why: string): void {
    this.#link?.close()
    this.#link = null
    this.#talking = false
    this.#microphone.close()
    this.#capture?.stop()
    for (const id of [...this.performers.keys()]) this.#depart(id, '')
    removeEventListener('online', this.#online)
    this.#change(state, why)
  }

  #change(state: SessionState, why: string): void {
    this.#state = state
    this.#events.state(state, why)
  }

  #send(message: ClientMessage): void {
    try {
      this.#link?.sendControl(message)
    } catch (error) {
      this.#events.notice({
        level: 'ERROR',
        code: 'send',
        text: `That could not be sent: ${words(error)}`,
        fatal: false,
      })
    }
  }

  // --- what comes in

  #control(text: string): void {
    let message: ReturnType<typeof readServerMessage>
    try {
      message = readServerMessage(text)
    } catch {
      this.counts.malformed++
      return
    }
    switch (message.kind) {
      case 'header':
        this.#arrive(message.header)
        this.#bindLines()
        break
      case 'seals':
        for (const seal of message.seals) this.performers.get(seal.avatar)?.takeSeal(seal)
        break
      case 'rtp':
        this.#maps.set(message.rtp.mid, message.rtp)
        this.#bindLines()
        break
      case 'mark': {
        const performer = this.performers.get(message.avatar)
        if (!performer) break
        performer.tag = message.tag
        this.#events.marked(performer)
        break
      }
      case 'speech':
        this.#events.speech(message.speech)
        break
      case 'left':
        this.#depart(message.avatar, message.reason)
        break
      case 'notice':
        this.#events.notice(message.notice)
        if (message.notice.fatal) this.#finish('failed', message.notice.text)
        break
      case 'state':
        this.#events.room(message.state)
        break
      case 'welcome':
      case 'pong':
      case 'unknown':
        break
    }
  }

  #motion(data: DataView): void {
    this.counts.datagrams++
    this.counts.bytes += data.byteLength
    const now = performance.now()
    try {
      for (let offset = 0; offset < data.byteLength;) {
        const length = frameLength(data, offset)
        const verdict = this.performers.get(frameAvatar(data, offset))?.push(data, offset, now)
        if (verdict === 'kept') this.counts.frames++
        else if (verdict === 'too-late') this.counts.late++
        else this.counts.dropped++
        offset += length
      }
    } catch {
      this.counts.malformed++
    }
  }

  #voice(packet: VoicePacket): void {
    const performer = this.performers.get(packet.avatar)
    if (!performer) return
    if (!(performer.voice instanceof ScheduledVoice))
      performer.setVoice(new ScheduledVoice(this.#context, performer.mouth))
    ;(performer.voice as ScheduledVoice).push(packet)
  }

  #arrive(header: StreamHeader): void {
    const known = this.performers.get(header.avatar)
    if (known && known.header.session === header.session) {
      known.resync(header)
      this.#events.marked(known)
      return
    }
    known?.close()
    const performer = new Performer(
      header,
      new SealCheck(header, this.welcome?.serverKey ?? new Uint8Array()),
      header.self ? null : new Mouth(this.#context),
    )
    this.performers.set(header.avatar, performer)
    this.#events.joined(performer)
  }

  #depart(avatar: number, reason: string): void {
    this.performers.get(avatar)?.close()
    if (this.performers.delete(avatar)) this.#events.left(avatar, reason)
  }

  /** Gives each performer the WebRTC line that the server says carries its voice. */
  #bindLines(): void {
    const link = this.#link
    if (!(link instanceof RtcLink)) return
    for (const performer of this.performers.values()) {
      // In a large room a line goes from one who fell silent to one who speaks.
      const { voice } = performer
      if (voice instanceof RtcVoice && this.#maps.get(voice.mid)?.avatar !== performer.header.avatar) {
        performer.setVoice(null)
      }
    }
    for (const map of this.#maps.values()) {
      const performer = this.performers.get(map.avatar)
      const line = link.lines.find(each => each.mid === map.mid)
      if (!performer || !line) continue
      if (!(performer.voice instanceof RtcVoice))
        performer.setVoice(new RtcVoice(line, this.#context, performer.mouth))
      ;(performer.voice as RtcVoice).clock.setMap(map)
    }
  }

  // --- microphone

  async #attachMicrophone(track: MediaStreamTrack): Promise<void> {
    const link = this.#link
    if (link instanceof RtcLink) {
      await link.setMicrophone(track)
    } else if (link) {
      this.#capture?.stop()
      let sample = 0
      this.#capture = await Capture.start(this.#context, track, payload => {
        link.sendMotion(encodeVoice({ codec: 'pcm16', avatar: 0, sample, payload }))
        sample += payload.byteLength / 2
      })
    }
  }

  #tellMicrophone(): void {
    this.#send({ microphone: { open: this.#talking, hearSelf: this.#hearSelf, sampleRate: 48_000 } })
  }
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

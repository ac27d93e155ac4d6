import { JsonReader } from '../wire/json'
import { type ClientMessage, type Hello, readWelcome, type Welcome } from '../wire/messages'
import { answerPing, decodePong } from '../wire/packet'
import { type Link, type LinkEvents, RefusedError, within } from './link'
import { Liveness } from './liveness'

/** Lines for the voices of others in the room, beside the microphone's own. */
const VOICE_LINES = 3

/** ICE on a local network is done at once; a slow STUN server must not hold up the offer. */
const GATHER_MS = 400

/** Motion that waits behind this many unsent bytes is stale before it leaves. */
const SEND_BUFFER = 16 * 1024

/** How long connecting may take, ms: the server's answer, which TCP brings, and then the way through UDP. */
export interface RtcDeadlines {
  answer: number
  open: number
}

export interface RtcLine {
  mid: string
  receiver: RTCRtpReceiver
  track: MediaStreamTrack
}

/** WebRTC: the microphone's line, voices by track, and the channels `control` (0) and `motion` (1). */
export class RtcLink implements Link {
  readonly kind = 'webrtc'
  readonly lines: RtcLine[] = []
  welcome: Welcome
  readonly #connection: RTCPeerConnection
  readonly #control: RTCDataChannel
  readonly #motion: RTCDataChannel
  readonly #microphone: RTCRtpSender
  readonly #events: LinkEvents
  #liveness: Liveness | null = null
  #down = false

  private constructor(connection: RTCPeerConnection, events: LinkEvents) {
    this.#connection = connection
    this.#events = events
    this.welcome = readWelcome(new JsonReader({}))
    this.#control = connection.createDataChannel('control', { negotiated: true, id: 0 })
    this.#motion = connection.createDataChannel('motion', {
      negotiated: true,
      id: 1,
      ordered: false,
      maxRetransmits: 0,
    })
    this.#motion.binaryType = 'arraybuffer'
    this.#microphone = connection.addTransceiver('audio', { direction: 'sendrecv' }).sender
    for (let i = 0; i < VOICE_LINES; i++) connection.addTransceiver('audio', { direction: 'recvonly' })
    this.#control.onmessage = event => {
      this.#liveness?.heard()
      if (typeof event.data === 'string') events.control(event.data)
    }
    this.#motion.onmessage = event => {
      this.#liveness?.heard()
      if (!(event.data instanceof ArrayBuffer)) return
      const data = new DataView(event.data)
      const pong = answerPing(data)
      if (pong) this.sendMotion(pong)
      else if (!decodePong(data)) events.motion(data)
    }
    connection.onconnectionstatechange = () => {
      if (['failed', 'closed'].includes(connection.connectionState)) this.#fail('the connection was lost')
    }
    this.#control.onclose = () => this.#fail('the server closed the connection')
  }

  /** Connects and says hello. `opened` is told of the session as soon as the server has made it. */
  static async connect(
    hello: Hello,
    events: LinkEvents,
    deadlines: RtcDeadlines,
    iceServers: RTCIceServer[],
    opened: (welcome: Welcome) => void,
  ): Promise<RtcLink> {
    const connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' })
    const link = new RtcLink(connection, events)
    const asking = new AbortController()
    try {
      const sdp = await within(link.#ask(hello, asking.signal), deadlines.answer, 'The answer')
      opened(link.welcome)
      await within(link.#open(sdp), deadlines.open, 'WebRTC')
    } catch (error) {
      // The server sees that nobody waits any more, and ends the session that it may have begun.
      asking.abort()
      link.close()
      throw error
    }
    return link
  }

  sendControl(message: ClientMessage): void {
    if (this.#control.readyState === 'open') this.#control.send(JSON.stringify(message))
  }

  sendMotion(data: Uint8Array): void {
    if (this.#motion.readyState !== 'open' || this.#motion.bufferedAmount > SEND_BUFFER) return
    this.#motion.send(data as Uint8Array<ArrayBuffer>)
  }

  /** Sends this microphone track, or silence with null. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    await this.#microphone.replaceTrack(track)
  }

  async voiceBytes(): Promise<number> {
    let bytes = 0
    const reports = (await this.#connection.getStats()) as ReadonlyMap<string, RTCInboundRtpStreamStats>
    for (const report of reports.values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'audio') bytes += report.bytesReceived ?? 0
    }
    return bytes
  }

  close(): void {
    this.#down = true
    this.#liveness?.stop()
    this.#connection.close()
  }

  /** Says hello with an offer; returns the answer's SDP. */
  async #ask(hello: Hello, signal: AbortSignal): Promise<string> {
    const connection = this.#connection
    await connection.setLocalDescription(await connection.createOffer())
    await gathered(connection)
    const response = await fetch('/api/rtc', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ hello, sdp: connection.localDescription?.sdp ?? '', type: 'offer' }),
      signal,
    })
    const answer: unknown = await response.json().catch(() => null)
    if (!response.ok) {
      const error = new JsonReader(answer).child('error')
      throw new RefusedError(
        error.text('code'),
        error.text('text') || `The server answered ${response.status}.`,
      )
    }
    const reader = new JsonReader(answer)
    this.welcome = readWelcome(reader.child('welcome'))
    return reader.text('sdp')
  }

  async #open(sdp: string): Promise<void> {
    await this.#connection.setRemoteDescription({ type: 'answer', sdp })
    for (const transceiver of this.#connection.getTransceivers()) {
      if (transceiver.mid === null || !transceiver.currentDirection?.includes('recv')) continue
      const { receiver } = transceiver
      // The face waits for the voice, so every buffered millisecond is felt: keep the buffer as short as it goes.
      receiver.jitterBufferTarget = 0
      this.lines.push({ mid: transceiver.mid, receiver, track: receiver.track })
    }
    await Promise.all([isOpen(this.#control), isOpen(this.#motion)])
    this.#liveness = new Liveness(
      ping => this.sendMotion(ping),
      () => this.#fail('nothing came from the server for 3 s'),
    )
  }

  #fail(reason: string): void {
    if (this.#down) return
    this.close()
    this.#events.down(reason)
  }
}

function gathered(connection: RTCPeerConnection): Promise<void> {
  if (connection.iceGatheringState === 'complete') return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(resolve, GATHER_MS)
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState !== 'complete') return
      clearTimeout(timer)
      resolve()
    })
  })
}

function isOpen(channel: RTCDataChannel): Promise<void> {
  if (channel.readyState === 'open') return Promise.resolve()
  return new Promise((resolve, reject) => {
    channel.addEventListener('open', () => resolve(), { once: true })
    channel.addEventListener('close', () => reject(new Error('the data channel closed before it opened')), {
      once: true,
    })
  })
}

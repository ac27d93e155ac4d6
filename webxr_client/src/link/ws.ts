import { type ClientMessage, type Hello, readServerMessage, type Welcome } from '../wire/messages'
import { answerPing, decodePong, decodeVoice } from '../wire/packet'
import { type Link, type LinkEvents, RefusedError, within } from './link'
import { Liveness } from './liveness'

/** Motion that waits behind this many unsent bytes is stale before it leaves. */
const SEND_BUFFER = 64 * 1024

/** The WebSocket: the same packets over TCP, for networks that UDP does not cross. */
export class WsLink implements Link {
  readonly kind = 'websocket'
  readonly welcome: Welcome
  readonly #socket: WebSocket
  readonly #events: LinkEvents
  readonly #liveness: Liveness
  #bytes = 0
  #down = false

  private constructor(socket: WebSocket, welcome: Welcome, events: LinkEvents) {
    this.#socket = socket
    this.welcome = welcome
    this.#events = events
    this.#liveness = new Liveness(
      ping => this.sendMotion(ping),
      () => this.#fail('nothing came from the server for 3 s'),
    )
    socket.onmessage = event => this.#receive(event.data)
    socket.onclose = event => this.#fail(event.reason || 'the connection was lost')
  }

  /** Connects, says hello and waits for the welcome. */
  static async connect(hello: Hello, events: LinkEvents, deadlineMs: number): Promise<WsLink> {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${location.host}/api/ws`)
    socket.binaryType = 'arraybuffer'
    // Messages may follow the welcome in the same breath; they wait here until the link is made.
    const early: unknown[] = []
    try {
      const welcome = await within(greeted(socket, hello, early), deadlineMs, 'The WebSocket')
      const link = new WsLink(socket, welcome, events)
      for (const data of early) link.#receive(data)
      return link
    } catch (error) {
      socket.onclose = null
      // A session that the server may yet begin is one that nobody would come for; an older one still waits.
      if (!hello.resume && socket.readyState === WebSocket.OPEN) {
        socket.send(JSON.stringify({ bye: { reason: 'no answer in time' } }))
      }
      socket.close()
      throw error
    }
  }

  sendControl(message: ClientMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  sendMotion(data: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN || this.#socket.bufferedAmount > SEND_BUFFER) return
    this.#socket.send(data as Uint8Array<ArrayBuffer>)
  }

  voiceBytes(): Promise<number> {
    return Promise.resolve(this.#bytes)
  }

  close(): void {
    this.#down = true
    this.#liveness.stop()
    this.#socket.close()
  }

  #receive(data: unknown): void {
    this.#liveness.heard()
    if (typeof data === 'string') {
      this.#events.control(data)
      return
    }
    if (!(data instanceof ArrayBuffer)) return
    const view = new DataView(data)
    const voice = decodeVoice(view)
    const pong = answerPing(view)
    if (voice) {
      this.#bytes += voice.payload.byteLength
      this.#events.voice(voice)
    } else if (pong) this.sendMotion(pong)
    else if (!decodePong(view)) this.#events.motion(view)
  }

  #fail(reason: string): void {
    if (this.#down) return
    this.close()
    this.#events.down(reason)
  }
}

function greeted(socket: WebSocket, hello: Hello, early: unknown[]): Promise<Welcome> {
  return new Promise((resolve, reject) => {
    let welcomed = false
    socket.onopen = () => socket.send(JSON.stringify({ hello }))
    socket.onclose = event =>
      reject(new Error(event.reason || 'the server did not accept a WebSocket; is it running?'))
    socket.onmessage = event => {
      if (welcomed || typeof event.data !== 'string') {
        early.push(event.data)
        return
      }
      try {
        const message = readServerMessage(event.data)
        if (message.kind === 'welcome') {
          welcomed = true
          resolve(message.welcome)
        } else if (message.kind === 'notice') {
          reject(new RefusedError(message.notice.code, message.notice.text))
        }
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
  })
}

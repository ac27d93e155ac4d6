import type { ClientMessage, Hello, Welcome } from '../wire/messages'
import type { VoicePacket } from '../wire/packet'

/** What a link hands up; every callback may come at any time after the link was made. */
export interface LinkEvents {
  /** A text message: ServerMessage as proto3 JSON. */
  control(text: string): void
  /** A datagram of motion frames. */
  motion(data: DataView): void
  /** A voice packet (WebSocket). */
  voice(packet: VoicePacket): void
  /** The connection is gone; called once. */
  down(reason: string): void
}

/** One connection to the server, whatever carries it. */
export interface Link {
  readonly kind: 'webrtc' | 'websocket'
  readonly welcome: Welcome
  sendControl(message: ClientMessage): void
  /** Unreliable where the transport knows such a thing. */
  sendMotion(data: Uint8Array): void
  /** Bytes of voice received so far. */
  voiceBytes(): Promise<number>
  close(): void
}

/** A refusal by the server: trying again will not help. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly code: string

  constructor(code: string, text: string) {
    super(text)
    this.code = code
  }
}

export type Connect = (hello: Hello, events: LinkEvents, deadlineMs: number) => Promise<Link>

/** Rejects when `work` takes longer than `ms`. */
export function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${what} took longer than ${(ms / 1000).toFixed(1)} s`)),
      ms,
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

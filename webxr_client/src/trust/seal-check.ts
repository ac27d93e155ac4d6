import type { Seal, SessionCertificate, StreamHeader } from '../wire/messages'
import { certificateBytes, DIGEST_BYTES, LINK_BYTES, sealBytes } from './canonical'
import { digest, verifyEd25519 } from './ed25519'

export type TrustState = 'none' | 'pending' | 'verified' | 'failed'

/** What the page says about the seals of one avatar. */
export interface Trust {
  /** Frames that are sealed and unchanged. */
  readonly verified: number
  /** Frames, seals or certificates that do not hold. */
  readonly failed: number
  /** Frames that wait for their seal. */
  readonly pending: number
  /** Seals that hold. */
  readonly chunks: number
  readonly state: TrustState
  /** Why it failed, in words. */
  readonly why: string
}

/** Frames that wait for their seal, and sealed ones that may still come: ten seconds. */
const MEMORY = 600
/** Frames without a seal for this long are no longer "on the way". */
const OVERDUE_MS = 3000

/**
 * Verifies one avatar's stream as it comes: frames in any order, some lost; seals in order. Every frame that is
 * drawn must be listed in a seal of the session's key, which the server's key certifies.
 */
export class SealCheck implements Trust {
  /** Frames that are sealed and unchanged. */
  verified = 0
  /** Frames, seals or certificates that do not hold. */
  failed = 0
  /** Seals that hold. */
  chunks = 0
  #why = ''
  #certificate: SessionCertificate | null
  #session: string
  readonly #today: () => number
  readonly #avatar: number
  readonly #serverKey: Uint8Array
  /** Digests of frames without a seal yet, and those that seals listed, by sequence. */
  readonly #waiting = new Map<number, Uint8Array>()
  readonly #sealed = new Map<number, Uint8Array>()
  #next = -1
  #link: Uint8Array = new Uint8Array()
  #certified: Promise<boolean>
  #queue: Promise<void> = Promise.resolve()
  #overdueSince: number | null = null

  /** `today`: the present, Unix milliseconds, by which certificates are judged. */
  constructor(header: StreamHeader, serverKey: Uint8Array, today: () => number = Date.now) {
    this.#today = today
    this.#session = header.session
    this.#certificate = header.certificate
    this.#avatar = header.avatar
    this.#serverKey = serverKey
    this.#certified = this.#checkCertificate()
  }

  /** Frames that wait for their seal. */
  get pending(): number {
    return this.#waiting.size
  }

  /** Why it failed, in words. */
  get why(): string {
    return this.failed > 0 ? this.#why : this.#isOverdue() ? 'no seal comes for what is shown' : ''
  }

  get state(): TrustState {
    if (this.failed > 0 || this.#isOverdue()) return 'failed'
    if (this.chunks > 0) return 'verified'
    return this.#waiting.size > 0 ? 'pending' : 'none'
  }

  /** A frame came; `bytes` are exactly those on the wire. */
  frame(sequence: number, bytes: Uint8Array): void {
    const own = digest(bytes, DIGEST_BYTES)
    const listed = this.#sealed.get(sequence)
    if (listed) {
      this.#sealed.delete(sequence)
      this.#compare(sequence, own, listed)
      return
    }
    const earlier = this.#waiting.get(sequence)
    if (earlier && !equal(earlier, own)) this.#fail(`frame ${sequence} came twice, with other bytes`)
    this.#waiting.set(sequence, own)
    this.#overdueSince ??= performance.now()
    if (this.#waiting.size > MEMORY) this.#waiting.delete(first(this.#waiting))
  }

  /** A seal came. Verification is asynchronous but keeps the order. */
  seal(seal: Seal): void {
    this.#queue = this.#queue.then(() => this.#take(seal))
  }

  /** Resolves when every seal so far was looked at. */
  async settled(): Promise<void> {
    await this.#queue
  }

  /** The stream goes on over a new connection; frames and seals in between were missed. */
  resync(header: StreamHeader): void {
    this.#waiting.clear()
    this.#sealed.clear()
    this.#overdueSince = null
    this.#session = header.session
    this.#certificate = header.certificate
    this.#certified = this.#checkCertificate()
  }

  async #checkCertificate(): Promise<boolean> {
    const certificate = this.#certificate
    if (!certificate) {
      this.#fail('the stream has no certificate')
      return false
    }
    const message = certificateBytes(certificate)
    if (!message || !equal(certificate.serverKey, this.#serverKey)) {
      this.#fail('the certificate is not of this server')
      return false
    }
    if (certificate.session !== this.#session) {
      this.#fail('the certificate is for another session')
      return false
    }
    const now = this.#today()
    if (!(Date.parse(certificate.notBefore) <= now + 300_000 && now <= Date.parse(certificate.notAfter))) {
      this.#fail('the certificate is not valid at this time')
      return false
    }
    if (!(await verifyEd25519(certificate.signature, message, certificate.serverKey))) {
      this.#fail('the certificate is not signed by the server')
      return false
    }
    return true
  }

  async #take(seal: Seal): Promise<void> {
    const certificate = this.#certificate
    if (!(await this.#certified) || !certificate) return
    const message = sealBytes(seal)
    if (!message || seal.session !== certificate.session || seal.avatar !== this.#avatar) {
      this.#fail('a seal belongs to another session')
      return
    }
    if (!(await verifyEd25519(seal.signature, message, certificate.publicKey))) {
      this.#fail('a seal is not signed by the session’s key')
      return
    }
    if (this.#next >= 0 && seal.chunk < this.#next) {
      this.#fail('a seal came again or out of order')
      return
    }
    const follows = this.#next >= 0 && seal.chunk === this.#next
    if ((follows && !equal(seal.previous, this.#link)) || (seal.chunk === 0 && seal.previous.length > 0)) {
      this.#fail('a seal does not follow the one before it')
      return
    }
    this.#next = seal.chunk + 1
    this.#link = digest(message, LINK_BYTES)
    this.chunks++
    this.#match(seal)
  }

  #match(seal: Seal): void {
    const count = seal.digests.length / DIGEST_BYTES
    for (let place = 0; place < count; place++) {
      const sequence = (seal.firstSequence + place) >>> 0
      const listed = seal.digests.slice(place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES)
      const own = this.#waiting.get(sequence)
      if (own) {
        this.#waiting.delete(sequence)
        this.#compare(sequence, own, listed)
      } else {
        // Lost, or overtaken by its own seal.
        this.#sealed.set(sequence, listed)
        if (this.#sealed.size > MEMORY) this.#sealed.delete(first(this.#sealed))
      }
    }
    // Frames older than this seal belong to one that was missed: they can be neither proven nor refuted.
    for (const sequence of this.#waiting.keys()) {
      if ((seal.firstSequence - sequence) >>> 0 < 2 ** 31) this.#waiting.delete(sequence)
    }
    this.#overdueSince = this.#waiting.size > 0 ? performance.now() : null
  }

  #compare(sequence: number, own: Uint8Array, listed: Uint8Array): void {
    if (equal(own, listed)) this.verified++
    else this.#fail(`frame ${sequence} is not the one that was sealed`)
  }

  #isOverdue(): boolean {
    return this.#overdueSince !== null && performance.now() - this.#overdueSince > OVERDUE_MS
  }

  #fail(why: string): void {
    this.failed++
    this.#why ||= why
  }
}

function first(map: Map<number, unknown>): number {
  return map.keys().next().value ?? 0
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

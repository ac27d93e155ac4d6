import type { Seal, StreamHeader } from '../wire/messages'
import { digest } from './ed25519'

export type TrustState = 'none' | 'pending' | 'verified' | 'failed'

/** placeholder until docs/provenance.md */
export class SealCheck {
  verified = 0
  failed = 0
  chunks = 0
  why = ''
  readonly #digests = new Map<number, Uint8Array>()

  constructor(header: StreamHeader, serverKey: Uint8Array) {
    header
    serverKey
  }

  get pending(): number {
    return this.#digests.size
  }

  get state(): TrustState {
    return this.failed > 0 ? 'failed' : this.chunks > 0 ? 'verified' : this.pending > 0 ? 'pending' : 'none'
  }

  frame(sequence: number, bytes: Uint8Array): void {
    this.#digests.set(sequence, digest(bytes, 8))
    if (this.#digests.size > 600) this.#digests.delete(this.#digests.keys().next().value as number)
  }

  seal(seal: Seal): void {
    seal
  }

  resync(header: StreamHeader): void {
    header
  }
}

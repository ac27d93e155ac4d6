/** The byte strings that are signed: docs/provenance.md. */
import type { Seal, SessionCertificate } from '../wire/messages'

export const DIGEST_BYTES = 8
export const LINK_BYTES = 16

/** What the server's key signs; null if the certificate is not whole. */
export function certificateBytes(certificate: SessionCertificate): Uint8Array | null {
  if (certificate.publicKey.length !== 32 || certificate.serverKey.length !== 32) return null
  return joined(
    utf8('likeness/certificate/1\n'),
    text(certificate.session),
    certificate.publicKey,
    certificate.serverKey,
    text(certificate.notBefore),
    text(certificate.notAfter),
  )
}

/** What the session's key signs; null if the seal is not whole. */
export function sealBytes(seal: Seal): Uint8Array | null {
  if (seal.digests.length % DIGEST_BYTES !== 0 || seal.digests.length > DIGEST_BYTES * 0xffff) return null
  if (seal.previous.length !== 0 && seal.previous.length !== LINK_BYTES) return null
  const numbers = new DataView(new ArrayBuffer(14))
  numbers.setUint32(0, seal.avatar, true)
  numbers.setUint32(4, seal.chunk, true)
  numbers.setUint32(8, seal.firstSequence, true)
  numbers.setUint16(12, seal.digests.length / DIGEST_BYTES, true)
  return joined(
    utf8('likeness/seal/1\n'),
    text(seal.session),
    new Uint8Array(numbers.buffer),
    seal.digests,
    Uint8Array.of(seal.previous.length),
    seal.previous,
  )
}

/** u16 length, UTF-8. */
function text(value: string): Uint8Array {
  const bytes = utf8(value)
  return joined(Uint8Array.of(bytes.length & 0xff, bytes.length >> 8), bytes)
}

function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

import { keygen, sign } from '@noble/ed25519'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { certificateBytes, LINK_BYTES, sealBytes } from '../src/trust/canonical'
import { digest } from '../src/trust/ed25519'
import { SealCheck } from '../src/trust/seal-check'
import { JsonReader } from '../src/wire/json'
import { readHeader, type Seal, type StreamHeader } from '../src/wire/messages'

const server = keygen()
const session = keygen()
const frames = Array.from({ length: 60 }, (_, i) =>
  Uint8Array.from({ length: 150 }, (_, k) => (i * 7 + k) % 256),
)

function certified(): StreamHeader {
  const certificate = {
    session: 'a-session',
    publicKey: session.publicKey,
    serverKey: server.publicKey,
    signature: new Uint8Array(),
    notBefore: new Date(Date.now() - 60_000).toISOString(),
    notAfter: new Date(Date.now() + 3_600_000).toISOString(),
  }
  certificate.signature = sign(certificateBytes(certificate) ?? new Uint8Array(), server.secretKey)
  return { ...readHeader(new JsonReader({ avatar: 4 })), session: 'a-session', certificate }
}

/** Seals of 6 frames each over `frames`, chained. */
function seals(): Seal[] {
  let previous: Uint8Array = new Uint8Array()
  return Array.from({ length: frames.length / 6 }, (_, chunk) => {
    const digests = new Uint8Array(48)
    for (let i = 0; i < 6; i++) digests.set(digest(frames[chunk * 6 + i] ?? new Uint8Array(), 8), i * 8)
    const seal: Seal = {
      session: 'a-session',
      avatar: 4,
      chunk,
      firstSequence: chunk * 6,
      digests,
      previous,
      signature: new Uint8Array(),
    }
    const message = sealBytes(seal) ?? new Uint8Array()
    seal.signature = sign(message, session.secretKey)
    previous = digest(message, LINK_BYTES)
    return seal
  })
}

describe('seals', () => {
  let check: SealCheck
  beforeEach(() => {
    check = new SealCheck(certified(), server.publicKey)
  })

  const frame = (i: number): void => check.frame(i, frames[i] ?? new Uint8Array())

  it('prove every frame of an undisturbed stream', async () => {
    seals().forEach((seal, chunk) => {
      for (let i = 0; i < 6; i++) frame(chunk * 6 + i)
      check.seal(seal)
    })
    await check.settled()
    expect(check).toMatchObject({ verified: 60, failed: 0, chunks: 10, pending: 0, state: 'verified' })
  })

  it('prove what came when a fifth was lost, and frames that their seal overtook', async () => {
    const all = seals()
    for (let i = 0; i < 60; i++) if (i % 5 !== 0 && i < 54) frame(i)
    for (const seal of all) check.seal(seal)
    await check.settled()
    for (let i = 54; i < 60; i++) frame(i)
    expect(check).toMatchObject({ verified: 43 + 6, failed: 0, state: 'verified' })
  })

  it('expose a frame that was changed by one bit', async () => {
    for (let i = 0; i < 6; i++) {
      const bytes = (frames[i] ?? new Uint8Array()).slice()
      if (i === 3) bytes[80] = (bytes[80] ?? 0) ^ 1
      check.frame(i, bytes)
    }
    check.seal(seals()[0] as Seal)
    await check.settled()
    expect(check.state).toBe('failed')
    expect(check.why).toContain('frame 3')
  })

  it('expose a seal of another key, of another session, out of order, or that does not follow', async () => {
    const [one, two, three] = seals() as [Seal, Seal, Seal]
    const forgeries: [string, Seal[]][] = [
      ['not signed', [{ ...one, signature: sign(sealBytes(one) ?? new Uint8Array(), keygen().secretKey) }]],
      ['another session', [{ ...one, session: 'b-session' }]],
      ['came again', [one, one]],
      ['does not follow', [one, { ...resigned({ ...two, previous: digest(Uint8Array.of(1), LINK_BYTES) }) }]],
    ]
    for (const [why, chain] of forgeries) {
      const each = new SealCheck(certified(), server.publicKey)
      for (const seal of chain) each.seal(seal)
      await each.settled()
      expect(each.why).toContain(why)
    }
    const gap = new SealCheck(certified(), server.publicKey)
    gap.seal(one)
    gap.seal(three)
    await gap.settled()
    expect(gap.failed).toBe(0)
  })

  it('expose a certificate of another server, expired, or altered', async () => {
    const header = certified()
    const certificate = header.certificate as NonNullable<StreamHeader['certificate']>
    const bad: [string, SealCheck][] = [
      ['not of this server', new SealCheck(header, keygen().publicKey)],
      [
        'not valid',
        new SealCheck(
          { ...header, certificate: { ...certificate, notAfter: '2020-01-01T00:00:00Z' } },
          server.publicKey,
        ),
      ],
      [
        'not signed by the server',
        new SealCheck(
          { ...header, certificate: { ...certificate, notBefore: '2020-01-01T00:00:00Z' } },
          server.publicKey,
        ),
      ],
      ['no certificate', new SealCheck({ ...header, certificate: null }, server.publicKey)],
    ]
    for (const [why, each] of bad) {
      each.seal(seals()[0] as Seal)
      await each.settled()
      expect(each.state).toBe('failed')
      expect(each.why).toContain(why)
    }
  })

  it('are missed aloud: frames without a seal for 3 s fail', () => {
    const now = vi.spyOn(performance, 'now')
    now.mockReturnValue(1000)
    frame(0)
    expect(check.state).toBe('pending')
    now.mockReturnValue(4500)
    expect(check.state).toBe('failed')
    expect(check.why).toContain('no seal')
    now.mockRestore()
  })
})

function resigned(seal: Seal): Seal {
  return { ...seal, signature: sign(sealBytes(seal) ?? new Uint8Array(), session.secretKey) }
}

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { certificateBytes, sealBytes } from '../src/trust/canonical'
import { verifyEd25519 } from '../src/trust/ed25519'
import { SealCheck } from '../src/trust/seal-check'
import { JsonReader } from '../src/wire/json'
import { readCertificate, readHeader, readSeal } from '../src/wire/messages'

interface Signed {
  message: unknown
  signedBytes: string
  signature: string
}

interface Stream {
  name: string
  ok: boolean
  certificate: unknown
  events: { frame?: { sequence: number; bytes: string }; seal?: unknown }[]
  verified?: number
}

interface Golden {
  serverKey: string
  sessionKey: string
  certificate: Signed & { message: { session: string; notBefore: string } }
  seals: Signed[]
  streams: Stream[]
}

const golden = JSON.parse(
  readFileSync(new URL('../../protos/vectors/seal.json', import.meta.url), 'utf8'),
) as Golden

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16))

describe('golden seals', () => {
  it('are made of the same signed bytes, and hold', async () => {
    const certificate = readCertificate(new JsonReader(golden.certificate.message))
    expect(certificateBytes(certificate)).toEqual(bytes(golden.certificate.signedBytes))
    expect(
      await verifyEd25519(
        certificate.signature,
        bytes(golden.certificate.signedBytes),
        bytes(golden.serverKey),
      ),
    ).toBe(true)
    expect(golden.seals.length).toBeGreaterThan(0)
    for (const { message, signedBytes } of golden.seals) {
      const seal = readSeal(new JsonReader(message))
      expect(sealBytes(seal)).toEqual(bytes(signedBytes))
      expect(await verifyEd25519(seal.signature, bytes(signedBytes), bytes(golden.sessionKey))).toBe(true)
    }
  })

  it.each(golden.streams.map(stream => [stream.ok ? 'prove' : 'expose', stream.name, stream] as const))(
    '%s: %s',
    async (_, __, stream) => {
      const { session, notBefore } = golden.certificate.message
      const certificate = readCertificate(new JsonReader(stream.certificate))
      const header = { ...readHeader(new JsonReader({ avatar: 7 })), session, certificate }
      const check = new SealCheck(header, bytes(golden.serverKey), () => Date.parse(notBefore) + 60_000)
      for (const { frame, seal } of stream.events) {
        if (frame) check.frame(frame.sequence, bytes(frame.bytes))
        if (seal) check.seal(readSeal(new JsonReader(seal)))
        await check.settled()
      }
      expect(check.failed > 0).toBe(!stream.ok)
      if (stream.ok) expect(check.verified).toBe(stream.verified)
    },
  )
})

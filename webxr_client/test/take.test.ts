import { keygen, sign } from '@noble/ed25519'
import { sha256 } from '@noble/hashes/sha2.js'
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { TakeError } from '../src/take/npz'
import { Take } from '../src/take/take'
import { checkTake } from '../src/take/take-seals'
import { certificateBytes } from '../src/trust/canonical'

const FRAMES = 12
const server = keygen()
const session = keygen()

interface Member {
  type: string
  shape: number[]
  raw: Uint8Array
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

function npy({ type, shape, raw }: Member): Uint8Array {
  const sizes = shape.map(size => `${size},`).join(' ')
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`
  const header = new TextEncoder().encode(text.padEnd(118 - (text.length > 117 ? 0 : 1)) + '\n')
  const out = new Uint8Array(10 + header.length + raw.length)
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8])
  out.set(header, 10)
  out.set(raw, 10 + header.length)
  return out
}

function floats(width: number, value: (t: number, i: number) => number): Member {
  const data = Float32Array.from({ length: FRAMES * width }, (_, k) =>
    value(Math.floor(k / width), k % width),
  )
  return { type: '<f4', shape: [FRAMES, width], raw: new Uint8Array(data.buffer) }
}

function members(): Record<string, Member> {
  const sample = BigInt64Array.from({ length: FRAMES }, (_, t) => BigInt(t * 800))
  const voice = Int16Array.from({ length: FRAMES * 800 }, (_, i) => Math.round(9000 * Math.sin(i / 20)))
  return {
    sample: { type: '<i8', shape: [FRAMES], raw: new Uint8Array(sample.buffer) },
    expression: floats(2, (t, i) => t / 10 + i),
    eyelids: floats(2, (t, i) => (t === 3 ? i : 0)),
    jaw: floats(3, (t, i) => (i === 0 ? t / 100 : 0)),
    neck: floats(3, () => 0),
    head_rotation: floats(3, () => 0),
    head_translation: floats(3, () => 0),
    eyes: floats(6, (_, i) => i / 100),
    voice: { type: '<i2', shape: [FRAMES * 800], raw: new Uint8Array(voice.buffer) },
  }
}

function arrayHash(name: string, member: Member): string {
  const text = (value: string): number[] => [value.length, 0, ...new TextEncoder().encode(value)]
  const sizes = member.shape.flatMap(size => [...new Uint8Array(BigUint64Array.of(BigInt(size)).buffer)])
  const bytes = Uint8Array.from([
    ...text(name),
    ...text(member.type),
    member.shape.length,
    ...sizes,
    ...member.raw,
  ])
  return Array.from(sha256(bytes), byte => byte.toString(16).padStart(2, '0')).join('')
}

const BASE = {
  format: 'likeness-take',
  version: 1,
  generated: true,
  character: 'plain',
  portrays: 'Plain',
  driver: 'text',
  mark: 'GEN - Plain - driven by: text',
  components: ['a', 'b'],
}

function sealed(arrays: Record<string, Member>): Record<string, unknown> {
  const certificate = {
    session: 's',
    publicKey: session.publicKey,
    serverKey: server.publicKey,
    signature: new Uint8Array(),
    notBefore: '2026-01-01T00:00:00.000Z',
    notAfter: '2026-01-02T00:00:00.000Z',
  }
  const hashes = Object.fromEntries(
    Object.entries(arrays).map(([name, member]) => [name, arrayHash(name, member)]),
  )
  const stated = { ...BASE, arrays: hashes }
  const statement = JSON.stringify(stated)
  return {
    ...stated,
    statement,
    signature: base64(sign(new TextEncoder().encode(`likeness/take/1\n${statement}`), session.secretKey)),
    seals: [],
    certificate: {
      session: 's',
      publicKey: base64(session.publicKey),
      serverKey: base64(server.publicKey),
      signature: base64(sign(certificateBytes(certificate) ?? new Uint8Array(), server.secretKey)),
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
    },
  }
}

function file(meta: Record<string, unknown>, arrays: Record<string, Member>): Uint8Array {
  const text = JSON.stringify(meta)
  const points = Uint32Array.from(text, character => character.codePointAt(0) ?? 0)
  const all = {
    meta: { type: `<U${text.length}`, shape: [], raw: new Uint8Array(points.buffer) },
    ...arrays,
  }
  return zipSync(
    Object.fromEntries(Object.entries(all).map(([name, member]) => [`${name}.npy`, npy(member)])),
    { level: 0 },
  )
}

describe('a take', () => {
  it('gives back its frames and its voice', () => {
    const take = Take.read(file(sealed(members()), members()))
    expect(take.frameCount).toBe(FRAMES)
    const frame = take.frame(3)
    expect(frame.sample).toBe(2400)
    expect(frame.jaw[0]).toBeCloseTo(0.03)
    expect(frame.eyelids).toEqual([0, 1])
    expect(frame.expression[1]).toBeCloseTo(1.3)
    expect(frame.eyes[2]).toBeCloseTo(0.03)
    expect(take.voice.length).toBe(FRAMES * 800)
  })

  it('is proven by its seals', async () => {
    const take = Take.read(file(sealed(members()), members()))
    expect(await checkTake(take, server.publicKey)).toMatchObject({ state: 'verified', verified: FRAMES })
  })

  it('is exposed when its voice, a frame or its mark was changed, or another server sealed it', async () => {
    const verdict = async (meta: Record<string, unknown>, arrays: Record<string, Member>): Promise<string> =>
      (await checkTake(Take.read(file(meta, arrays)), server.publicKey)).why
    const meta = sealed(members())
    for (const name of ['voice', 'jaw']) {
      const arrays = members()
      const { raw } = arrays[name] as Member
      raw[41] = (raw[41] ?? 0) ^ 1
      expect(await verdict(meta, arrays)).toContain(name)
    }
    expect(await verdict({ ...meta, mark: 'GEN - Nobody' }, members())).toContain('mark')
    expect(await verdict({ ...meta, signature: base64(new Uint8Array(64)) }, members())).toContain(
      'not signed',
    )
    expect(await verdict(BASE, members())).toContain('never sealed')
    const stranger = await checkTake(Take.read(file(meta, members())), keygen().publicKey)
    expect(stranger.why).toContain('does not know')
  })

  it('that is none is refused in words', () => {
    const rest = members()
    delete rest['jaw']
    expect(() => Take.read(new Uint8Array(100))).toThrow(TakeError)
    expect(() => Take.read(file(sealed(rest), rest))).toThrow('jaw')
    expect(() => Take.read(file({ ...BASE, generated: false }, members()))).toThrow('generated')
    expect(() => Take.read(file(BASE, { ...members(), sample: floats(1, () => 0) }))).toThrow('sample')
  })
})

import { sha256 } from '@noble/hashes/sha2.js'
import { certificateBytes } from '../trust/canonical'
import { verifyEd25519 } from '../trust/ed25519'
import type { Trust } from '../trust/seal-check'
import { JsonReader } from '../wire/json'
import { readCertificate } from '../wire/messages'
import type { NpyArray } from './npz'
import type { Take } from './take'

const DOMAIN = 'likeness/take/1\n'
/** Keys of `meta` that are the proof itself; everything else is in the signed statement. */
const PROOF = new Set(['certificate', 'signature', 'seals', 'statement'])

/**
 * Checks a take's proof (docs/provenance.md, "Takes"): a session key that `serverKey` certifies signed a
 * statement, the statement is what `meta` says, and it holds the hash of every array that is played.
 */
export async function checkTake(take: Take, serverKey: Uint8Array): Promise<Trust> {
  const why = await trouble(take, serverKey)
  const frames = take.frameCount
  return why === ''
    ? { verified: frames, failed: 0, pending: 0, chunks: Math.ceil(frames / 6), state: 'verified', why }
    : { verified: 0, failed: frames, pending: 0, chunks: 0, state: 'failed', why }
}

async function trouble(take: Take, serverKey: Uint8Array): Promise<string> {
  const statement = take.meta.text('statement')
  if (statement === '' || !take.meta.has('certificate')) return 'this take was never sealed'
  const certificate = readCertificate(take.meta.child('certificate'))
  const certified = certificateBytes(certificate)
  if (!certified || !(await verifyEd25519(certificate.signature, certified, certificate.serverKey))) {
    return 'its certificate does not hold'
  }
  if (!same(certificate.serverKey, serverKey)) return 'it was sealed by a server that this one does not know'
  const signed = new TextEncoder().encode(DOMAIN + statement)
  if (!(await verifyEd25519(take.meta.bytes('signature'), signed, certificate.publicKey))) {
    return 'its statement is not signed by its session'
  }
  const stated = JSON.parse(statement) as Record<string, unknown>
  const meta = JSON.parse(take.metaText) as Record<string, unknown>
  for (const [key, value] of Object.entries(meta)) {
    if (!PROOF.has(key) && canonical(value) !== canonical(stated[key])) return `its meta was changed: ${key}`
  }
  const hashes = new JsonReader(stated).child('arrays')
  for (const [name, member] of take.members) {
    if (name !== 'meta' && hashes.text(name) !== arrayHash(name, member)) return `its ${name} was changed`
  }
  return ''
}

function arrayHash(name: string, member: NpyArray): string {
  const head: number[] = []
  for (const text of [name, member.type]) {
    const bytes = new TextEncoder().encode(text)
    head.push(bytes.length & 0xff, bytes.length >> 8, ...bytes)
  }
  head.push(member.shape.length)
  const sizes = new DataView(new ArrayBuffer(8 * member.shape.length))
  member.shape.forEach((size, i) => sizes.setBigUint64(8 * i, BigInt(size), true))
  const hash = sha256
    .create()
    .update(Uint8Array.from(head))
    .update(new Uint8Array(sizes.buffer))
    .update(member.raw)
  return Array.from(hash.digest(), byte => byte.toString(16).padStart(2, '0')).join('')
}

/** JSON with sorted keys: the same value gives the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

import { hashes, verifyAsync } from '@noble/ed25519'
import { sha256, sha512 } from '@noble/hashes/sha2.js'

hashes.sha512 = sha512

let native: boolean | null = null

/** Verifies an Ed25519 signature: by WebCrypto where the browser knows the curve, by JavaScript elsewhere. */
export async function verifyEd25519(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): Promise<boolean> {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  if (native !== false && globalThis.crypto?.subtle) {
    try {
      const key = await crypto.subtle.importKey('raw', copy(publicKey), 'Ed25519', false, ['verify'])
      const valid = await crypto.subtle.verify('Ed25519', key, copy(signature), copy(message))
      native = true
      return valid
    } catch {
      // Unknown algorithm, or a key that is no point of the curve: the other implementation decides.
      native ??= false
    }
  }
  try {
    return await verifyAsync(signature, message, publicKey)
  } catch {
    return false
  }
}

/** The first `bytes` bytes of the SHA-256. */
export function digest(data: Uint8Array, bytes: number): Uint8Array {
  return sha256(data).slice(0, bytes)
}

function copy(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data)
}

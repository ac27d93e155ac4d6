/**
 * Reads proto3 JSON: default values are left out, 64-bit integers are strings, bytes are base64 and enums
 * are names. A field of the wrong type reads as its default, so that a newer server cannot break the page.
 */
export class JsonReader {
  readonly #fields: Record<string, unknown>

  constructor(value: unknown) {
    this.#fields =
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? (value as Record<string, unknown>)
        : {}
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null
  }

  text(name: string): string {
    const value = this.#fields[name]
    return typeof value === 'string' ? value : ''
  }

  number(name: string): number {
    const value = this.#fields[name]
    const number = typeof value === 'string' && value !== '' ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? number : 0
  }

  flag(name: string): boolean {
    return this.#fields[name] === true
  }

  bytes(name: string): Uint8Array {
    const value = this.#fields[name]
    return typeof value === 'string' ? fromBase64(value) : new Uint8Array()
  }

  numbers(name: string): number[] {
    return this.#list(name).map(value => (typeof value === 'number' ? value : Number(value) || 0))
  }

  texts(name: string): string[] {
    return this.#list(name).filter(value => typeof value === 'string')
  }

  child(name: string): JsonReader {
    return new JsonReader(this.#fields[name])
  }

  children(name: string): JsonReader[] {
    return this.#list(name).map(value => new JsonReader(value))
  }

  /** An enum by name; numbers are looked up in `names`, whose index is the number. */
  choice<T extends string>(name: string, names: readonly T[]): T {
    const value = this.#fields[name]
    const found = typeof value === 'number' ? names[value] : names.find(each => each === value)
    return found ?? (names[0] as T)
  }

  #list(name: string): unknown[] {
    const value = this.#fields[name]
    return Array.isArray(value) ? value : []
  }
}

export function fromBase64(text: string): Uint8Array {
  try {
    const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
    return Uint8Array.from(binary, character => character.charCodeAt(0))
  } catch {
    return new Uint8Array()
  }
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], pair => Number.parseInt(pair, 16))
}

import { JsonReader } from '../wire/json'
import type { MotionFrame, Vec3 } from '../wire/packet'
import { type NpyArray, readNpz, TakeError } from './npz'

const MEMBERS = new Set([
  'meta',
  'sample',
  'expression',
  'eyelids',
  'jaw',
  'neck',
  'head_rotation',
  'head_translation',
  'eyes',
  'voice',
])

/** A recorded performance (docs/take-format.md), as far as a player needs it. */
export class Take {
  readonly meta: JsonReader
  readonly metaText: string
  /** The members that are played, as they lie in the file: what the take's proof is about. */
  readonly members: ReadonlyMap<string, NpyArray>
  readonly frameCount: number
  readonly components: string[]
  readonly voice: Float32Array<ArrayBuffer>
  readonly #samples: BigInt64Array
  readonly #parts: Record<string, Float32Array>

  private constructor(members: Map<string, NpyArray>) {
    const metaText = members.get('meta')?.data
    if (typeof metaText !== 'string') throw new TakeError('This is not a take: it has no meta.')
    this.meta = new JsonReader(parsed(metaText))
    this.metaText = metaText
    this.members = members
    if (!this.meta.flag('generated')) {
      throw new TakeError('This take is not played: its meta does not say that it was generated.')
    }
    const samples = members.get('sample')?.data
    if (!(samples instanceof BigInt64Array)) throw new TakeError('This take has no sample numbers.')
    this.#samples = samples
    this.frameCount = samples.length
    this.components = this.meta.texts('components')
    this.#parts = {}
    const widths: [string, number][] = [
      ['expression', this.components.length],
      ['eyelids', 2],
      ['jaw', 3],
      ['neck', 3],
      ['head_rotation', 3],
      ['head_translation', 3],
      ['eyes', 6],
    ]
    for (const [name, width] of widths) {
      const data = members.get(name)?.data
      if (!(data instanceof Float32Array) || data.length !== width * this.frameCount) {
        throw new TakeError(
          `This take is damaged: ${name} does not have ${width} numbers for each of its frames.`,
        )
      }
      this.#parts[name] = data
    }
    const voice = members.get('voice')?.data
    if (!(voice instanceof Int16Array)) throw new TakeError('This take has no voice.')
    this.voice = Float32Array.from(voice, value => value / 32768)
  }

  /** Throws TakeError. */
  static read(bytes: Uint8Array): Take {
    return new Take(readNpz(bytes, MEMBERS))
  }

  /** Media sample of frame `t`. */
  sample(t: number): number {
    return Number(this.#samples[t] ?? 0n)
  }

  frame(t: number): MotionFrame {
    const three = (name: string): Vec3 => {
      const part = this.#part(name)
      return [part[3 * t] ?? 0, part[3 * t + 1] ?? 0, part[3 * t + 2] ?? 0]
    }
    const eyes = this.#part('eyes')
    const lids = this.#part('eyelids')
    const width = this.components.length
    return {
      avatar: 1,
      epoch: 0,
      driver: 4,
      sequence: t,
      sample: this.sample(t),
      voiced: this.#sounds(t),
      tracked: false,
      end: t === this.frameCount - 1,
      eyelids: [lids[2 * t] ?? 0, lids[2 * t + 1] ?? 0],
      jaw: three('jaw'),
      neck: three('neck'),
      eyes: [eyes[6 * t] ?? 0, eyes[6 * t + 1] ?? 0, eyes[6 * t + 3] ?? 0, eyes[6 * t + 4] ?? 0],
      headRotation: three('head_rotation'),
      headTranslation: three('head_translation'),
      expression: this.#part('expression').slice(t * width, (t + 1) * width),
      hands: null,
      bytes: new Uint8Array(),
    }
  }

  #sounds(t: number): boolean {
    const from = this.sample(t)
    return this.voice.subarray(from, from + 800).some(value => Math.abs(value) > 0.004)
  }

  #part(name: string): Float32Array {
    return this.#parts[name] ?? new Float32Array()
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new TakeError('This take is damaged: its meta is not JSON.')
  }
}

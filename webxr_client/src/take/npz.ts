import { unzipSync } from 'fflate'

/** Members beyond this are refused: three hours of voice are about a gigabyte, a page plays minutes. */
const MEMBER_LIMIT = 512 * 1024 * 1024

export type NpyData = Float32Array | Int16Array | BigInt64Array | string

export interface NpyArray {
  shape: number[]
  /** NumPy's name of the type, as "<f4". */
  type: string
  data: NpyData
  /** The numbers as they lie in the file, C order. */
  raw: Uint8Array
}

/** A file that is no take, in words. */
export class TakeError extends Error {
  override name = 'TakeError'
}

/** Reads the named members of an .npz; others are not even unpacked. */
export function readNpz(bytes: Uint8Array, wanted: ReadonlySet<string>): Map<string, NpyArray> {
  let files: Record<string, Uint8Array>
  try {
    files = unzipSync(bytes, {
      filter: file => wanted.has(file.name.replace(/\.npy$/, '')) && file.originalSize <= MEMBER_LIMIT,
    })
  } catch {
    throw new TakeError('This is not a take: an .npz file is a zip archive, and this is none.')
  }
  return new Map(
    Object.entries(files).map(([name, file]) => [name.replace(/\.npy$/, ''), readNpy(file, name)]),
  )
}

/** Reads one .npy (NumPy's format, versions 1 and 2): little-endian f4, i2, i8 and text. */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 10 || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY') {
    throw new TakeError(`The take's member ${name} is not a NumPy array.`)
  }
  const wide = data.getUint8(6) >= 2
  const start = (wide ? 12 : 10) + (wide ? data.getUint32(8, true) : data.getUint16(8, true))
  const header = new TextDecoder('latin1').decode(bytes.subarray(wide ? 12 : 10, start))
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? ''
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]
  if (sizes === undefined || /'fortran_order':\s*True/.test(header)) {
    throw new TakeError(`The take's member ${name} has a header that cannot be read.`)
  }
  const shape = sizes
    .split(',')
    .map(size => size.trim())
    .filter(size => size !== '')
    .map(Number)
  const count = shape.reduce((product, size) => product * size, 1)
  const width =
    { '<f4': 4, '<i2': 2, '<i8': 8 }[type] ?? (type.startsWith('<U') ? 4 * Number(type.slice(2)) : 0)
  // Typed arrays want aligned memory, which a member of a zip is not.
  const body = bytes.slice(start, start + count * width)
  if (width === 0 || body.length !== count * width) {
    throw new TakeError(
      `The take's member ${name} has the type ${type} or a length that a take does not have.`,
    )
  }
  switch (type) {
    case '<f4':
      return { shape, type, raw: body, data: new Float32Array(body.buffer) }
    case '<i2':
      return { shape, type, raw: body, data: new Int16Array(body.buffer) }
    case '<i8':
      return { shape, type, raw: body, data: new BigInt64Array(body.buffer) }
    default:
      return { shape, type, raw: body, data: utf32(new Uint32Array(body.buffer)) }
  }
}

function utf32(points: Uint32Array): string {
  let text = ''
  for (const point of points) if (point !== 0) text += String.fromCodePoint(point)
  return text
}

import type { Point } from './landmarks'

/** The parts of @mediapipe/face_mesh that are used; the package is a script that makes a global. */
interface Mesh {
  setOptions(options: Record<string, unknown>): void
  onResults(listener: (results: { multiFaceLandmarks?: Point[][] }) => void): void
  initialize(): Promise<void>
  send(inputs: { image: HTMLCanvasElement }): Promise<void>
}

const FILES = import.meta.glob<string>('/node_modules/@mediapipe/face_mesh/*.{js,wasm,data,binarypb}', {
  query: '?url',
  import: 'default',
  eager: true,
})

function url(name: string): string {
  const found = FILES[`/node_modules/@mediapipe/face_mesh/${name}`]
  if (!found) throw new Error(`the face tracker has no file ${name}`)
  return found
}

/** MediaPipe's face mesh itself; only tracker.ts, in its frame, loads it. */
export class FaceMesh {
  readonly #mesh: Mesh
  #found: Point[] | null = null

  private constructor(mesh: Mesh) {
    this.#mesh = mesh
    mesh.onResults(results => {
      this.#found = largest(results.multiFaceLandmarks ?? [])
    })
  }

  /** Loads some 10 MB of model and program, once. */
  static async load(): Promise<FaceMesh> {
    const scope = globalThis as { FaceMesh?: new (config: { locateFile: (name: string) => string }) => Mesh }
    if (!scope.FaceMesh) await script(url('face_mesh.js'))
    if (!scope.FaceMesh) throw new Error('the face tracker did not load; reload the page and try again')
    const mesh = new scope.FaceMesh({ locateFile: url })
    mesh.setOptions({
      maxNumFaces: 2,
      refineLandmarks: true,
      selfieMode: false,
      minDetectionConfidence: 0.5,
      minTrackingConfidence: 0.5,
    })
    await mesh.initialize()
    return new FaceMesh(mesh)
  }

  /** The largest face's 478 points, normalised, or null. */
  async find(picture: HTMLCanvasElement): Promise<Point[] | null> {
    this.#found = null
    await this.#mesh.send({ image: picture })
    return this.#found
  }
}

function largest(faces: Point[][]): Point[] | null {
  const size = (face: Point[]): number => {
    const xs = face.map(point => point.x)
    const ys = face.map(point => point.y)
    return (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys))
  }
  return faces.reduce<Point[] | null>((best, face) => (!best || size(face) > size(best) ? face : best), null)
}

function script(source: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script')
    element.src = source
    element.crossOrigin = 'anonymous'
    element.addEventListener('load', () => resolve())
    element.addEventListener('error', () => reject(new Error(`${source} could not be loaded`)))
    document.head.append(element)
  })
}

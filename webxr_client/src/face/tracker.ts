// Runs in a frame of its own: MediaPipe's glue code is made by eval, which the page itself forbids. The frame
// is given pictures and answers landmarks; its policy lets it load our own files and nothing else.
import { FaceMesh } from './mediapipe'
import type { Point } from './landmarks'

export type TrackerRequest = { id: number; picture: ImageBitmap }
export type TrackerAnswer =
  | { kind: 'ready' }
  | { kind: 'failed'; text: string }
  | { kind: 'found'; id: number; face: Point[] | null }
  | { kind: 'error'; id: number; text: string }

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const answer = (message: TrackerAnswer): void => parent.postMessage(message, location.origin)

try {
  const mesh = await FaceMesh.load()
  const canvas = document.createElement('canvas')
  const paint = canvas.getContext('2d', { willReadFrequently: true })
  if (!paint) throw new Error('this browser gives the face tracker no canvas')
  addEventListener('message', (event: MessageEvent<TrackerRequest>) => {
    if (event.origin !== location.origin || event.source !== parent) return
    const { id, picture } = event.data
    canvas.width = picture.width
    canvas.height = picture.height
    paint.drawImage(picture, 0, 0)
    picture.close()
    mesh.find(canvas).then(
      face => answer({ kind: 'found', id, face }),
      (error: unknown) => answer({ kind: 'error', id, text: words(error) }),
    )
  })
  answer({ kind: 'ready' })
} catch (error) {
  answer({ kind: 'failed', text: words(error) })
}

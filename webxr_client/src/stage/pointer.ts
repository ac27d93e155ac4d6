/** What dragging, the wheel and the arrow keys turn. */
export interface Turnable {
  /** Radians; as if the picture were dragged along. */
  turn(yaw: number, pitch: number): void
  /** Below 1: nearer. */
  zoom(factor: number): void
}

const STEPS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-0.1, 0],
  ArrowRight: [0.1, 0],
  ArrowUp: [0, 0.06],
  ArrowDown: [0, -0.06],
}

/** Lets a person turn whatever `target` is at the moment. */
export function turnWith(element: HTMLElement, target: () => Turnable): void {
  let drag: { x: number; y: number } | null = null
  element.addEventListener('pointerdown', event => {
    drag = { x: event.clientX, y: event.clientY }
    element.setPointerCapture(event.pointerId)
  })
  element.addEventListener('pointermove', event => {
    if (!drag) return
    target().turn((drag.x - event.clientX) * 0.005, (event.clientY - drag.y) * 0.004)
    drag = { x: event.clientX, y: event.clientY }
  })
  const release = (): void => {
    drag = null
  }
  element.addEventListener('pointerup', release)
  element.addEventListener('pointercancel', release)
  element.addEventListener(
    'wheel',
    event => {
      event.preventDefault()
      target().zoom(Math.exp(event.deltaY * 0.001))
    },
    { passive: false },
  )
  element.addEventListener('keydown', event => {
    const step = STEPS[event.key]
    if (step) target().turn(...step)
    else if (event.key === '+' || event.key === '=') target().zoom(0.9)
    else if (event.key === '-') target().zoom(1.1)
    else return
    event.preventDefault()
  })
}

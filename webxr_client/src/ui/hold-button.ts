/** A button that acts while it is held: by pointer, by Space on the button, or by Space anywhere but in a text. */
export class HoldButton {
  readonly #button: HTMLButtonElement
  readonly #pressed: () => void
  readonly #released: () => void
  #held = false

  constructor(button: HTMLButtonElement, pressed: () => void, released: () => void) {
    this.#button = button
    this.#pressed = pressed
    this.#released = released
    button.addEventListener('pointerdown', event => {
      if (event.button !== 0) return
      button.setPointerCapture(event.pointerId)
      this.press()
    })
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) {
      button.addEventListener(name, () => this.release())
    }
    addEventListener('keydown', event => {
      if (event.code !== 'Space' || event.repeat || isTyping(event.target) || button.offsetParent === null) {
        if (event.code === 'Space' && this.#held) event.preventDefault()
        return
      }
      event.preventDefault()
      this.press()
    })
    addEventListener('keyup', event => {
      if (event.code === 'Space' && this.#held) {
        event.preventDefault()
        this.release()
      }
    })
    // A page that loses the keyboard never sees the key come up.
    addEventListener('blur', () => this.release())
    button.addEventListener('contextmenu', event => event.preventDefault())
  }

  press(): void {
    if (this.#held || this.#button.disabled) return
    this.#held = true
    this.#button.setAttribute('aria-pressed', 'true')
    this.#pressed()
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    this.#button.setAttribute('aria-pressed', 'false')
    this.#released()
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLButtonElement) return target.id !== 'talk'
  return target.matches('input, textarea, select, [contenteditable], [role="radio"]')
}

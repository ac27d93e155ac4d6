import { EMOTIONS, type EmotionName } from '../wire/messages'
import { element } from './elements'

/** Chooses a lasting expression for the own character; none at first. */
export class EmotionPicker {
  readonly #label = element('feeling', HTMLLabelElement)
  readonly #select = element('emotion', HTMLSelectElement)

  /** `feel` is told the emotion; null clears it. */
  constructor(feel: (name: EmotionName | null) => void) {
    const options = ['', ...EMOTIONS].map(name => {
      const option = document.createElement('option')
      option.value = name
      option.textContent = name === '' ? 'No emotion' : name.charAt(0).toUpperCase() + name.slice(1)
      return option
    })
    this.#select.replaceChildren(...options)
    this.#select.addEventListener('change', () => {
      feel(EMOTIONS.find(name => name === this.#select.value) ?? null)
    })
  }

  /** Whether the person may choose. */
  offer(on: boolean): void {
    this.#label.hidden = !on
  }

  reset(): void {
    this.#select.value = ''
    this.offer(false)
  }
}

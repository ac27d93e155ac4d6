import { element } from './elements'

/** Asks before something grave is done. */
export class ConfirmDialog {
  readonly #dialog = element('confirm-dialog', HTMLDialogElement)
  readonly #title = element('confirm-title', HTMLElement)
  readonly #reason = element('confirm-reason', HTMLInputElement)
  readonly #yes = element('confirm-yes', HTMLButtonElement)

  /** The reason that was given, possibly empty; null if it shall not be done. */
  ask(question: string, yes: string): Promise<string | null> {
    this.#title.textContent = question
    this.#yes.textContent = yes
    this.#reason.value = ''
    this.#dialog.returnValue = ''
    this.#dialog.showModal()
    return new Promise(resolve => {
      this.#dialog.addEventListener(
        'close',
        () => resolve(this.#dialog.returnValue === 'yes' ? this.#reason.value.trim() : null),
        { once: true },
      )
    })
  }
}

import qrcode from 'qrcode-generator'
import { inviteLink, spacedCode } from '../room/code'
import { element } from './elements'

/** Shows how others come in: a code to read out, a link, and the link as a QR code. */
export class InviteDialog {
  readonly #button = element('invite', HTMLButtonElement)
  readonly #dialog = element('invite-dialog', HTMLDialogElement)
  readonly #code = element('invite-code', HTMLElement)
  readonly #link = element('invite-link', HTMLElement)
  readonly #picture = element('invite-qr', HTMLImageElement)
  readonly #note = element('invite-note', HTMLElement)
  #address = ''

  constructor() {
    this.#button.addEventListener('click', () => {
      this.#note.textContent = isLocal(location.hostname)
        ? 'This address works on this computer only. For other devices, open the page under the server’s own name.'
        : ''
      this.#dialog.showModal()
    })
    this.#dialog.addEventListener('keydown', event => event.stopPropagation())
    element('invite-copy', HTMLButtonElement).addEventListener('click', () => void this.#copy())
  }

  /** `room` is what the link names, `code` what is read out. */
  show(room: string, code: string, scene: string): void {
    this.#button.hidden = false
    const address = inviteLink(location.href, room, scene)
    if (address === this.#address && this.#code.textContent === spacedCode(code)) return
    this.#address = address
    this.#code.textContent = spacedCode(code)
    this.#link.textContent = address
    this.#picture.src = qrPicture(address)
  }

  hide(): void {
    this.#button.hidden = true
    this.#dialog.close()
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#address)
      this.#note.textContent = 'The link is copied.'
    } catch {
      // Without https a browser gives no clipboard; a selected link is one key away from it.
      getSelection()?.selectAllChildren(this.#link)
      this.#note.textContent = 'The browser did not let the page copy. The link is selected: press Ctrl+C.'
    }
  }
}

/** The QR code of a text as an image; scanned from paper, a projector or a headset's passthrough. */
function qrPicture(text: string): string {
  const code = qrcode(0, 'M')
  code.addData(text)
  code.make()
  const svg = code.createSvgTag({ cellSize: 4, margin: 16, scalable: true })
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.')
}

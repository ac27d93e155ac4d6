import type { Order, RosterLine } from '../room/roster'
import type { ConfirmDialog } from './confirm-dialog'
import { element } from './elements'

/** The list of people in the room and, for moderators, what can be ordered. */
export class PeoplePanel {
  readonly #button = element('people', HTMLButtonElement)
  readonly #panel = element('people-panel', HTMLElement)
  readonly #list = element('people-list', HTMLUListElement)
  readonly #floor = element('floor-line', HTMLElement)
  readonly #room = element('room-orders', HTMLElement)
  readonly #confirm: ConfirmDialog
  readonly #order: (order: Order, line: RosterLine | null, reason: string) => void

  constructor(
    confirm: ConfirmDialog,
    order: (order: Order, line: RosterLine | null, reason: string) => void,
  ) {
    this.#confirm = confirm
    this.#order = order
    this.#button.addEventListener('click', () => this.#toggle(this.#panel.hidden === true))
    element('people-close', HTMLButtonElement).addEventListener('click', () => this.#toggle(false))
    this.#panel.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return
      // Escape closes what is open; it stops the character only when nothing is.
      event.stopPropagation()
      this.#toggle(false)
    })
  }

  show(lines: readonly RosterLine[], room: readonly Order[], own: string): void {
    this.#button.hidden = false
    this.#button.textContent = `People (${lines.length})`
    this.#floor.textContent = own
    this.#floor.hidden = own === ''
    // A list that is made anew must not take the focus away from whoever is on a button of it.
    const focused = this.#panel.contains(document.activeElement)
      ? document.activeElement?.getAttribute('data-key')
      : null
    this.#list.replaceChildren(...lines.map(line => this.#line(line)))
    this.#room.replaceChildren(...room.map(order => this.#orderButton(order, null, `room-${order.act}`)))
    this.#room.hidden = room.length === 0
    if (focused) {
      const again = this.#panel.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)
      ;(again ?? this.#panel).focus()
    }
  }

  hide(): void {
    this.#button.hidden = true
    this.#toggle(false)
  }

  #toggle(open: boolean): void {
    const inside = this.#panel.contains(document.activeElement)
    this.#panel.hidden = !open
    this.#button.setAttribute('aria-expanded', String(open))
    if (open) this.#panel.focus()
    else if (inside) this.#button.focus()
  }

  #line(line: RosterLine): HTMLLIElement {
    const item = document.createElement('li')
    item.dataset['session'] = line.session
    item.dataset['avatar'] = String(line.avatar)
    if (line.away) item.dataset['away'] = ''
    const title = document.createElement('p')
    title.className = 'name'
    title.textContent = line.title
    const detail = document.createElement('p')
    detail.className = 'detail'
    detail.textContent = line.detail
    item.append(title, detail)
    if (line.orders.length > 0) {
      const group = document.createElement('div')
      group.className = 'orders'
      group.setAttribute('role', 'group')
      group.setAttribute('aria-label', line.title)
      // A key of the place in the row: Mute stays focused when it becomes Unmute.
      group.append(...line.orders.map((order, i) => this.#orderButton(order, line, `${line.session}-${i}`)))
      item.append(group)
    }
    return item
  }

  #orderButton(order: Order, line: RosterLine | null, key: string): HTMLButtonElement {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = order.question === '' ? 'quiet' : 'quiet grave'
    button.textContent = order.label
    button.dataset['act'] = order.act
    button.dataset['key'] = key
    if (line) button.setAttribute('aria-label', `${order.label}: ${line.title}`)
    button.addEventListener('click', () => {
      if (order.question === '') {
        this.#order(order, line, '')
        return
      }
      void this.#confirm.ask(order.question, order.label).then(reason => {
        if (reason !== null) this.#order(order, line, reason)
      })
    })
    return button
  }
}

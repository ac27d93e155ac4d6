import type { CharacterInfo } from '../wire/messages'

/** The cast as a radio group: arrow keys move, the portrait is the button. */
export class CastPicker {
  readonly #root: HTMLElement
  readonly #picked: (character: CharacterInfo) => void
  #cards: { card: HTMLElement; character: CharacterInfo }[] = []
  #selected = -1

  constructor(root: HTMLElement, picked: (character: CharacterInfo) => void) {
    this.#root = root
    this.#picked = picked
    root.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
      if (step === undefined || this.#cards.length === 0) return
      event.preventDefault()
      this.#select((this.#selected + step + this.#cards.length) % this.#cards.length, true)
    })
  }

  get selected(): CharacterInfo | null {
    return this.#cards[this.#selected]?.character ?? null
  }

  /** `unseen`: nobody will look at the picker, so its portraits can wait. */
  show(characters: readonly CharacterInfo[], preselect: string, unseen: boolean): void {
    this.#root.replaceChildren()
    this.#cards = characters.map((character, i) => {
      const card = document.createElement('div')
      card.className = 'card'
      card.setAttribute('role', 'radio')
      card.dataset['character'] = character.id
      const years = [character.born, character.died].map(year).filter(Boolean).join(' – ')
      card.setAttribute('aria-label', years ? `${character.name}, ${years}` : character.name)
      const name = document.createElement('p')
      name.className = 'name'
      name.textContent = character.name
      const dates = document.createElement('p')
      dates.className = 'years'
      dates.textContent = years
      card.append(portrait(character, unseen), name, dates)
      card.addEventListener('click', () => this.#select(i, true))
      card.addEventListener('keydown', event => {
        if (event.key !== ' ' && event.key !== 'Enter') return
        event.preventDefault()
        this.#select(i, true)
      })
      this.#root.append(card)
      return { card, character }
    })
    const wanted = characters.findIndex(character => character.id === preselect)
    const familiar = characters.findIndex(character => character.id === 'einstein')
    this.#select(Math.max(wanted >= 0 ? wanted : familiar, 0), false)
  }

  fail(text: string): void {
    const line = document.createElement('p')
    line.className = 'waiting'
    line.textContent = text
    this.#root.replaceChildren(line)
  }

  #select(index: number, focus: boolean): void {
    this.#selected = index
    this.#cards.forEach(({ card }, i) => {
      card.setAttribute('aria-checked', String(i === index))
      card.tabIndex = i === index ? 0 : -1
    })
    const chosen = this.#cards[index]
    if (!chosen) return
    if (focus) chosen.card.focus()
    else chosen.card.scrollIntoView({ block: 'nearest' })
    this.#picked(chosen.character)
  }
}

/** The year in a date in words, "14 March 1879, Ulm". */
function year(date: string): string {
  return /\b\d{4}\b/.exec(date)?.[0] ?? ''
}

function portrait(character: CharacterInfo, unseen: boolean): HTMLElement {
  const missing = (): HTMLElement => {
    const box = document.createElement('div')
    box.className = 'portrait missing'
    box.textContent = character.name.charAt(0)
    return box
  }
  if (!character.portraitUrl) return missing()
  const image = document.createElement('img')
  image.className = 'portrait'
  image.alt = ''
  image.decoding = 'async'
  // A link that begins at once never shows the picker: its pictures would only be in the way.
  if (unseen) image.loading = 'lazy'
  image.src = character.portraitUrl
  image.addEventListener('error', () => image.replaceWith(missing()), { once: true })
  return image
}

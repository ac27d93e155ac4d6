import { readCode } from '../room/code'
import type { SceneName } from '../stage/set'
import type { CharacterInfo } from '../wire/messages'
import { CastPicker } from './cast-picker'
import { element } from './elements'
import { HoldButton } from './hold-button'

export interface PageActions {
  picked: (character: CharacterInfo) => void
  begin: () => void
  /** Returns whether the text was taken; otherwise it stays in the field. */
  say: (text: string) => boolean
  stop: () => void
  talk: () => void
  hush: () => void
  hear: (on: boolean) => void
  scene: (name: SceneName) => void
  leave: () => void
  /** See through the own character's eyes, or from in front of it. */
  view: (inside: boolean) => void
  headset: () => void
  play: () => void
  /** Follow the person's face, or stop following. */
  embody: () => void
  /** The person allows, or no longer allows, a phone or tracker that an operator binds to move their face. */
  tracker: (allowed: boolean) => void
  /** The person lets the server keep what it is sent of their face, or has it deleted. */
  record: (allowed: boolean) => void
  neutral: () => void
  /** Any gesture: a browser that held sound back will let it start now. */
  gesture: () => void
}

const FACE_WORDS = {
  off: 'With “Use my face”, the camera moves the character. The picture stays in this page: only 146 points of your face are sent, none are kept unless you allow it, and you can stop at any time.',
  opening: 'Opening the camera and the face tracker…',
  calibrating: 'Look at the screen with a calm face for a second.',
  following: 'Your face moves the character. Only points are sent; the picture stays here.',
  'no face': 'No face is in view. The character idles until you are back.',
}

/** What may lie at the bottom of the picture. */
const BARS = ['bar', 'replay'] as const
const ALERT_MS = 9000

/** The page's controls: shows what it is told, reports what the person does; knows nothing of the network. */
export class Page {
  readonly canvas = element('stage', HTMLCanvasElement)
  readonly cast: CastPicker
  readonly #welcome = element('welcome', HTMLFormElement)
  readonly #live = element('live', HTMLElement)
  readonly #begin = element('begin', HTMLButtonElement)
  readonly #summary = element('summary', HTMLElement)
  readonly #connection = element('connection', HTMLElement)
  readonly #seal = element('seal', HTMLElement)
  readonly #alert = element('alert', HTMLElement)
  readonly #captions = element('captions', HTMLElement)
  readonly #text = element('text', HTMLInputElement)
  readonly #vr = element('vr', HTMLButtonElement)
  readonly #leave = element('leave', HTMLButtonElement)
  readonly #view = element('view', HTMLButtonElement)
  readonly #play = element('play', HTMLButtonElement)
  readonly #embody = element('embody', HTMLButtonElement)
  readonly #neutral = element('neutral', HTMLButtonElement)
  readonly #tracker = element('tracker', HTMLInputElement)
  readonly #recording = element('record-face', HTMLInputElement)
  readonly #faceNote = element('face-note', HTMLElement)
  readonly #scene = element('scene', HTMLSelectElement)
  readonly #name = element('name', HTMLInputElement)
  readonly #code = element('code', HTMLInputElement)
  #alertTimer: ReturnType<typeof setTimeout> | undefined

  constructor(actions: PageActions) {
    this.cast = new CastPicker(element('cast', HTMLElement), character => {
      this.#summary.textContent = character.summary
      actions.picked(character)
    })
    this.#welcome.addEventListener('submit', event => {
      event.preventDefault()
      if (!this.#begin.disabled) actions.begin()
    })
    element('say-form', HTMLFormElement).addEventListener('submit', event => {
      event.preventDefault()
      if (actions.say(this.#text.value)) this.#text.value = ''
      this.#text.focus()
    })
    element('stop', HTMLButtonElement).addEventListener('click', () => actions.stop())
    addEventListener('keydown', event => {
      if (event.key === 'Escape' && !this.#live.hidden) actions.stop()
    })
    for (const name of ['pointerdown', 'keydown'] as const) addEventListener(name, () => actions.gesture())
    new HoldButton(element('talk', HTMLButtonElement), actions.talk, actions.hush)
    const hear = element('hear', HTMLInputElement)
    hear.addEventListener('change', () => actions.hear(hear.checked))
    this.#scene.addEventListener('change', () => actions.scene(this.#scene.value as SceneName))
    this.#code.addEventListener('input', () => this.#nameBegin())
    this.#leave.addEventListener('click', () => actions.leave())
    this.#view.addEventListener('click', () =>
      actions.view(this.#view.getAttribute('aria-pressed') !== 'true'),
    )
    this.#vr.addEventListener('click', () => actions.headset())
    this.#play.addEventListener('click', () => actions.play())
    this.#embody.addEventListener('click', () => actions.embody())
    this.#neutral.addEventListener('click', () => actions.neutral())
    this.#tracker.addEventListener('change', () => actions.tracker(this.#tracker.checked))
    this.#recording.addEventListener('change', () => actions.record(this.#recording.checked))
    this.#alert.addEventListener('click', () => this.clearAlert())
  }

  get scene(): SceneName {
    return this.#scene.value as SceneName
  }

  set scene(name: SceneName) {
    this.#scene.value = name
  }

  /** The person's own name, shown to others; empty: none. */
  get name(): string {
    return this.#name.value.trim()
  }

  /** The room to join, by its code or its name in a link; empty: a new one. */
  get room(): string {
    return readCode(this.#code.value)
  }

  set room(code: string) {
    this.#code.value = code
    this.#nameBegin()
  }

  #nameBegin(): void {
    this.#begin.textContent = this.room === '' ? 'Begin' : 'Join'
    // A room that exists has its scene already.
    this.#scene.disabled = this.room !== ''
  }

  /** CSS pixels that the controls take at the bottom. */
  get bottomInset(): number {
    if (this.#live.hidden) return 0
    const bars = BARS.map(id => element(id, HTMLElement)).filter(bar => !bar.hidden)
    return Math.max(0, ...bars.map(bar => innerHeight - bar.getBoundingClientRect().top))
  }

  /** Tells whenever a bar at the bottom comes, goes or changes its size. */
  watchBars(changed: () => void): void {
    const watch = new ResizeObserver(changed)
    for (const id of BARS) watch.observe(element(id, HTMLElement))
  }

  ready(): void {
    this.#begin.disabled = false
  }

  showLive(name: string): void {
    this.#welcome.hidden = true
    this.#live.hidden = false
    this.#leave.hidden = false
    this.#view.hidden = false
    this.#text.placeholder = `What should ${name} say?`
    document.querySelector('label[for="text"]')?.replaceChildren(`What should ${name} say?`)
    this.#text.focus()
  }

  /** A recording instead of a conversation: one button, nothing to type. */
  showReplay(title: string): void {
    this.#welcome.hidden = true
    this.#live.hidden = false
    element('bar', HTMLElement).hidden = true
    element('talk-note', HTMLElement).hidden = true
    element('replay', HTMLElement).hidden = false
    element('replay-title', HTMLElement).textContent = title
    this.#play.focus()
  }

  playing(on: boolean): void {
    this.#play.textContent = on ? 'Stop' : 'Play'
  }

  showWelcome(): void {
    this.#welcome.hidden = false
    this.#live.hidden = true
    this.#leave.hidden = true
    this.#view.hidden = true
    this.#seal.hidden = true
    this.caption('')
    this.#begin.focus()
  }

  connection(state: string, text: string): void {
    this.#connection.dataset['state'] = state
    setLabel(this.#connection, text)
  }

  seal(state: string, text: string): void {
    this.#seal.hidden = this.#live.hidden
    this.#seal.dataset['state'] = state
    setLabel(this.#seal, text)
  }

  caption(text: string): void {
    if (this.#captions.textContent !== text) this.#captions.textContent = text
  }

  loading(share: number): void {
    this.canvas.setAttribute('aria-busy', String(share < 1))
    if (share < 1) setLabel(this.#connection, `Loading the face ${Math.round(share * 100)} %`)
    else if (this.#connection.dataset['state'] === 'live') setLabel(this.#connection, 'Connected')
  }

  alert(level: string, text: string): void {
    this.#alert.dataset['level'] = level
    this.#alert.textContent = text
    this.#alert.hidden = false
    clearTimeout(this.#alertTimer)
    if (level !== 'ERROR') this.#alertTimer = setTimeout(() => this.clearAlert(), ALERT_MS)
  }

  clearAlert(): void {
    this.#alert.hidden = true
  }

  /** Shows whether a phone or tracker may move the person's face. */
  set tracker(allowed: boolean) {
    this.#tracker.checked = allowed
  }

  /** Shows whether the server may keep what it is sent of the face. */
  set recording(allowed: boolean) {
    this.#recording.checked = allowed
  }

  /** What following the person's face is doing, in a word on the button and a line below it. */
  face(state: 'opening' | 'calibrating' | 'following' | 'no face' | 'off'): void {
    const on = state !== 'off'
    this.#embody.setAttribute('aria-pressed', String(on))
    this.#embody.querySelector('span')?.replaceChildren(on ? 'Stop camera' : 'Use my face')
    this.#embody.dataset['state'] = state
    this.#neutral.hidden = state !== 'following' && state !== 'no face'
    this.#faceNote.textContent = FACE_WORDS[state]
  }

  /** Whether one looks through the own character's eyes. */
  view(view: 'meet' | 'be'): void {
    this.#view.setAttribute('aria-pressed', String(view === 'be'))
  }

  offerHeadset(supported: boolean): void {
    this.#vr.hidden = !supported
  }

  headset(inside: boolean): void {
    this.#vr.textContent = inside ? 'Leave VR' : 'Enter VR'
  }
}

function setLabel(chip: HTMLElement, text: string): void {
  const label = chip.querySelector('.label')
  if (label && label.textContent !== text) label.textContent = text
}

import { Vector3 } from 'three'
import { Avatar } from './avatar/avatar'
import { cameraTrouble } from './face/camera'
import { type FaceState, Mimic } from './face/mimic'
import { History } from './history'
import type { Options } from './options'
import type { Performer } from './performer'
import { Session, type SessionState, words } from './session'
import { placeEars } from './sound/mouth'
import { Microphone, microphoneTrouble } from './sound/microphone'
import { outputLatencyMs } from './sound/voice'
import { markText } from './stage/mark'
import { SCENES, type SceneName } from './stage/set'
import { Stage } from './stage/stage'
import { RoomView } from './room/room-view'
import { Stay } from './stay'
import type { TakePlayer } from './take/take-player'
import { Page } from './ui/page'
import { fromHex, JsonReader } from './wire/json'
import { type CharacterInfo, readCharacters, type SpeechState } from './wire/messages'

const LEVEL_MS = 10
const LISTENER_MS = 500
/** So long a character may take to come before the set is drawn without it. */
const COMING_MS = 4000
/** More than this is refused by the server; saying so here keeps the text in the field. */
export const TEXT_LIMIT = 4000

export type AppState = 'idle' | 'loading' | SessionState

export interface SyncEntry {
  time: number
  heard: number
  drawn: number
  offsetMs: number
}

/** The page as a whole: joins the session, the stage and the controls, and keeps what tests ask about. */
export class App {
  readonly options: Options
  readonly page: Page
  readonly stage: Stage
  readonly room = new RoomView()
  readonly sync = new History<SyncEntry>()
  readonly lips = new History<{ time: number; sample: number; metres: number }>()
  readonly levels = new History<{ time: number; rms: number }>()
  readonly speech: SpeechState[] = []
  readonly states: { time: number; state: string; why: string }[] = []
  readonly notices: { level: string; code: string; text: string }[] = []
  readonly avatars = new Map<
    number,
    { performer: Performer; avatar: Avatar | null; url: string; error: string }
  >()
  readonly mimic = new Mimic({
    send: datagram => this.session?.sendLandmarks(datagram),
    state: (state, trouble) => this.#faceChanged(state, trouble),
  })
  faceState: FaceState = 'off'
  trackerAllowed = false
  recordingAllowed = false
  session: Session | null = null
  context: AudioContext | null = null
  state: AppState = 'idle'
  headsetSupported = false
  scene: SceneName | null = null
  error = ''
  #characters: CharacterInfo[] = []
  #microphone = new Microphone()
  #iceServers: RTCIceServer[] = []
  #serverKey: Uint8Array = new Uint8Array()
  #caption: { text: string; from: number; avatar: number } | null = null
  #toldListener = { x: 0, y: 0, z: 0 }
  #player: TakePlayer | null = null
  #takePlays = false
  readonly #prefetched = new Set<string>()
  #onItsWay: { performer: Performer; drawn: number } | null = null
  #ahead: { url: string; avatar: Promise<Avatar> } | null = null
  #stay: Stay | null = null

  constructor(options: Options) {
    this.options = options
    this.page = new Page({
      picked: character => this.#prefetch(character),
      begin: () => void this.begin().catch(() => undefined),
      say: text => this.say(text),
      stop: () => this.stop(),
      talk: () => void this.#talk(),
      hush: () => this.session?.hush(),
      hear: on => this.session?.setHearSelf(on),
      scene: name => this.setScene(name),
      leave: () => this.leave(),
      view: inside => this.stage.setView(inside ? 'be' : 'meet'),
      headset: () => void this.enterHeadset(),
      play: () => this.#playOrStop(),
      embody: () => void this.embody(),
      tracker: allowed => this.#allowTracker(allowed),
      neutral: () => this.#neutralFace(),
      record: allowed => this.#allowRecording(allowed),
      gesture: () => this.session?.unlockSound(),
    })
    this.stage = new Stage({
      canvas: this.page.canvas,
      quality: options.quality,
      pictures: options.pictures,
      scene: options.scene,
      pose: due => this.#pose(due),
      drawn: due => this.#drawn(due),
      finished: now => this.#finished(now),
      worn: pose => this.session?.sendPose(pose),
      viewed: view => this.page.view(view),
    })
    if (options.begin) this.stage.expect(COMING_MS)
    this.page.scene = options.scene
    // The page's own glass is too dear where no graphics hardware blurs it.
    document.documentElement.dataset['quality'] = this.stage.quality
    this.page.room = options.room
    addEventListener('resize', () => this.#fit())
    // A row more in the bar below, and the mark moves up: nothing may lie over it.
    this.page.watchBars(() => this.stage.setBottomInset(this.page.bottomInset))
    setInterval(() => this.#measureLevel(), LEVEL_MS)
    setInterval(() => this.#slowly(), LISTENER_MS)
  }

  /** The avatar that is in the middle of the stage. */
  get focus(): { performer: Performer; avatar: Avatar | null; url: string; error: string } | null {
    const own = this.session?.welcome?.avatar
    return (
      (own !== undefined ? this.avatars.get(own) : undefined) ?? this.avatars.values().next().value ?? null
    )
  }

  get transport(): 'none' | 'webrtc' | 'websocket' | 'take' {
    return this.#player ? 'take' : (this.session?.transport ?? 'none')
  }

  async start(): Promise<void> {
    void this.#offerHeadset()
    try {
      const [characters, config, stay] = await Promise.all([
        getJson('/api/characters'),
        getJson('/api/config'),
        Stay.claim().catch(() => null),
      ])
      this.#stay = stay
      this.#characters = readCharacters(characters)
      this.#iceServers = readIceServers(config)
      this.#serverKey = fromHex(new JsonReader(config).text('serverKey'))
    } catch (error) {
      this.page.cast.fail('The cast is not here.')
      this.fail(
        `The server does not answer (${words(error)}). Start it with “likeness serve”, then reload this page.`,
      )
      return
    }
    if (this.#characters.length === 0) {
      this.page.cast.fail('The server has no characters.')
      this.fail('The server has no characters. Run “likeness characters list” on it to see why.')
      return
    }
    if (this.options.take !== '') {
      await this.#openTake(this.options.take)
      return
    }
    this.page.cast.show(this.#characters, this.options.character, this.options.begin)
    this.page.ready()
    if (this.options.character && !this.#characters.some(each => each.id === this.options.character)) {
      this.tell('WARNING', `There is no character “${this.options.character}” here. Pick one of those below.`)
    } else if (this.options.begin) await this.begin().catch(() => undefined)
  }

  async begin(id?: string): Promise<void> {
    if (this.session && !['ended', 'failed'].includes(this.session.state)) return
    const character = id ? this.#characters.find(each => each.id === id) : this.page.cast.selected
    if (!character) {
      this.fail(`There is no character “${id ?? ''}”.`)
      return
    }
    this.page.clearAlert()
    this.error = ''
    // Made in the gesture that began it all: browsers let a page sound only then.
    this.context ??= new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' })
    void this.context.resume()
    this.stage.expect(COMING_MS)
    this.#loadAhead(character)
    this.page.showLive(character.name)
    this.#fit()
    const place = { character: character.id, scene: this.page.scene, room: this.page.room }
    const session = new Session({
      hello: { ...place, token: this.options.token, name: this.page.name },
      context: this.context,
      microphone: this.#microphone,
      choice: this.options.transport,
      iceServers: this.#iceServers,
      events: {
        state: (state, why) => this.#changed(state, why),
        welcomed: welcome => {
          this.#stay?.keep(place, welcome.resume, welcome.resumeSeconds)
          const scene = SCENES.find(name => name === welcome.scene)
          if (scene) this.setScene(scene)
        },
        renewed: () => {
          this.page.tracker = this.trackerAllowed = false
          this.page.recording = this.recordingAllowed = false
          this.mimic.stop()
          this.tell('INFO', 'You were away for too long for your session to wait. This is a new one.')
        },
        joined: performer => {
          void this.#load(performer)
          this.room.show(session)
        },
        room: state => this.room.show(session, state),
        left: avatar => this.#unload(avatar),
        marked: performer => {
          const entry = this.avatars.get(performer.header.avatar)
          if (entry) this.stage.setMark(performer.header.avatar, shownMark(performer))
        },
        speech: speech => this.#spoken(speech),
        notice: notice => {
          this.notices.push({ level: notice.level, code: notice.code, text: notice.text })
          if (notice.code === 'tracker') this.page.tracker = this.trackerAllowed = true
          this.tell(notice.level, notice.text)
        },
      },
    })
    this.session = session
    await session.begin(this.#stay?.waiting(place)).catch((error: unknown) => {
      this.page.showWelcome()
      throw error
    })
  }

  say(text: string): boolean {
    const trimmed = text.trim()
    if (trimmed === '') {
      this.tell('INFO', 'There is nothing to say yet: type a sentence first.')
      return false
    }
    if (trimmed.length > TEXT_LIMIT) {
      this.tell(
        'WARNING',
        `That text has ${trimmed.length.toLocaleString('en')} characters; at most ${TEXT_LIMIT.toLocaleString('en')} can be said at once. Shorten it or say it in parts.`,
      )
      return false
    }
    if (this.session?.state !== 'live') {
      this.tell(
        'WARNING',
        'There is no connection right now. Your text stays in the field; try again in a moment.',
      )
      return false
    }
    this.page.clearAlert()
    this.session.say(trimmed)
    return true
  }

  stop(): void {
    this.session?.stop()
    this.#caption = null
    this.page.caption('')
  }

  /** Lets the person's own face drive the character, or stops that. */
  async embody(): Promise<void> {
    if (this.mimic.on) {
      this.mimic.stop()
      return
    }
    this.page.clearAlert()
    try {
      await this.mimic.start()
    } catch (error) {
      this.tell('WARNING', cameraTrouble(error))
    }
  }

  /** The camera may stay closed: a phone or tracker sends the face, once an operator has bound it. */
  #allowTracker(allowed: boolean): void {
    this.trackerAllowed = allowed
    this.#tellConsent()
  }

  /** What the server is sent of the face may be kept with the session; taken back, it is deleted. */
  #allowRecording(allowed: boolean): void {
    this.recordingAllowed = allowed
    this.#tellConsent()
  }

  #tellConsent(): void {
    this.session?.allowFace(this.trackerAllowed || this.mimic.on, this.recordingAllowed)
  }

  #neutralFace(): void {
    this.mimic.neutral()
    this.session?.calibrate()
  }

  #faceChanged(state: FaceState, trouble: string): void {
    const before = this.faceState
    this.faceState = state
    this.page.face(state)
    if ((state === 'off') !== (before === 'off')) this.#tellConsent()
    if (trouble !== '') this.tell('WARNING', trouble)
  }

  leave(): void {
    this.mimic.stop()
    this.session?.end('left')
    void this.stage.leaveHeadset()
  }

  setScene(name: SceneName): void {
    if (!SCENES.includes(name) || name === this.scene) return
    this.scene = name
    this.stage.setScene(name)
  }

  async enterHeadset(): Promise<void> {
    try {
      await this.stage.enterHeadset(() => this.page.headset(false))
      this.page.headset(true)
    } catch (error) {
      this.tell('WARNING', words(error))
    }
  }

  tell(level: string, text: string): void {
    this.page.alert(level, text)
    if (level !== 'INFO') this.error = text
  }

  fail(text: string): void {
    this.state = 'failed'
    this.stage.expect(0)
    this.tell('ERROR', text)
    this.page.connection('failed', 'Not connected')
  }

  // --- takes

  async #openTake(id: string): Promise<void> {
    this.state = 'loading'
    this.page.connection('loading', 'Loading the take')
    try {
      const response = await fetch(`/api/takes/${encodeURIComponent(id)}`)
      if (!response.ok)
        throw new Error(`There is no take ${id} on this server. Open one with “likeness play FILE”.`)
      const bytes = new Uint8Array(await response.arrayBuffer())
      // Three hours of a take are no small thing to read; players are few, so the code comes when it is wanted.
      const { openTake } = await import('./take/open-take')
      const opened = await openTake(bytes, this.#characters, this.#serverKey)
      this.context = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' })
      this.#player = opened.player(this.context, () => this.page.playing((this.#takePlays = false)))
      this.page.showReplay(opened.title)
      this.#fit()
      await this.#load(this.#player.performer)
      this.state = 'live'
      this.page.connection('live', 'Replay')
      if (this.options.begin) this.#playOrStop()
    } catch (error) {
      this.fail(words(error))
    }
  }

  #playOrStop(): void {
    if (!this.#player) return
    this.#takePlays = !this.#takePlays
    void this.context?.resume()
    if (this.#takePlays) this.#player.play()
    else this.#player.stop()
    this.page.playing(this.#takePlays)
  }

  // --- avatars

  async #load(performer: Performer): Promise<void> {
    const { avatar: id, avatarUrl, components } = performer.header
    const urls = this.#files(performer.header)
    const entry: { performer: Performer; avatar: Avatar | null; url: string; error: string } = {
      performer,
      avatar: null,
      url: avatarUrl,
      error: '',
    }
    this.avatars.set(id, entry)
    const mark = markText(performer.tag)
    if (mark === '') {
      entry.error = 'not tagged as generated'
      this.fail(
        `${performer.header.name || 'This avatar'} is not shown: the server did not tag it as generated.`,
      )
      return
    }
    this.page.loading(0)
    try {
      for (const url of urls) {
        const avatar = await this.#avatarOf(url)
        if (this.avatars.get(id) !== entry) {
          avatar.dispose()
          return
        }
        avatar.setComponents(components)
        entry.avatar = avatar
        entry.url = url
        this.stage.seat(id, avatar, shownMark(performer), performer.header)
      }
    } catch (error) {
      entry.error = words(error)
      this.stage.expect(0)
      this.tell('ERROR', entry.error)
    } finally {
      this.page.loading(1)
    }
  }

  #unload(id: number): void {
    this.avatars.delete(id)
    this.stage.unseat(id)
  }

  /** Begins to load what a character is drawn from, while the connection is made. */
  #loadAhead(character: CharacterInfo): void {
    const [url] = this.#files(character)
    if (!url || this.#ahead?.url === url) return
    const avatar = Avatar.load(url, this.stage.quality, share => this.page.loading(share))
    // Whoever takes it hears of a failure.
    avatar.then(loaded => this.stage.compile(loaded.group)).catch(() => (this.#ahead = null))
    this.#ahead = { url, avatar }
  }

  #avatarOf(url: string): Promise<Avatar> {
    const ahead = this.#ahead
    if (ahead?.url !== url) return Avatar.load(url, this.stage.quality, share => this.page.loading(share))
    this.#ahead = null
    return ahead.avatar
  }

  /**
   * The files to draw an avatar from, one after another: the light one is there in a moment, the full one takes
   * its place. Software drawing stays with the light one.
   */
  #files({ avatarUrl, farAvatarUrl }: { avatarUrl: string; farAvatarUrl: string }): string[] {
    if (farAvatarUrl === '') return [avatarUrl]
    return this.stage.quality === 'low' ? [farAvatarUrl] : [farAvatarUrl, avatarUrl]
  }

  #prefetch(character: CharacterInfo): void {
    // While the person reads, the files come: Begin then draws at once.
    for (const url of this.#files(character)) {
      if (!url || this.#prefetched.has(url)) continue
      this.#prefetched.add(url)
      const link = document.createElement('link')
      link.rel = 'prefetch'
      link.href = url
      document.head.append(link)
    }
  }

  // --- each picture

  #pose(dueMs: number): void {
    for (const [id, { performer }] of this.avatars) this.stage.pose(id, performer.faceAt(dueMs))
  }

  #drawn(dueMs: number): void {
    this.#placeVoices()
    const performer = this.focus?.performer
    const avatar = performer && this.stage.model(performer.header.avatar)
    if (!avatar) return
    const { drawn } = performer.track
    if (!Number.isFinite(drawn)) return
    this.lips.add({ time: dueMs, sample: drawn, metres: avatar.lipOpening() })
    this.#onItsWay = performer.track.live?.voiced ? { performer, drawn } : null
  }

  /** The picture was due at a guess; what is heard now that it is there tells how good the guess was. */
  #finished(nowMs: number): void {
    const picture = this.#onItsWay
    this.#onItsWay = null
    if (!picture) return
    const heard = picture.performer.heardAt(nowMs)
    this.sync.add({ time: nowMs, heard, drawn: picture.drawn, offsetMs: (heard - picture.drawn) / 48 })
  }

  /** Voices come from where the picture shows their mouths. */
  #placeVoices(): void {
    if (!this.context || this.context.state !== 'running') return
    this.stage.ears(at, ahead, up)
    placeEars(this.context, at, ahead, up)
    for (const [id, { performer }] of this.avatars)
      if (performer.mouth && this.stage.mouth(id, at)) performer.mouth.place(at)
  }

  #measureLevel(): void {
    const voice = this.focus?.performer.voice
    if (voice) this.levels.add({ time: performance.now(), rms: voice.level() })
  }

  #slowly(): void {
    if (this.session?.state === 'live') this.#stay?.renew(this.session.welcome?.resumeSeconds ?? 0)
    const focus = this.focus
    if (focus) {
      const { seals } = focus.performer
      this.page.seal(seals.state, sealWords(seals))
    }
    for (const [id, { performer }] of this.avatars) this.stage.setMark(id, shownMark(performer))
    const at = this.stage.listener
    const told = this.#toldListener
    if (Math.hypot(at.x - told.x, at.y - told.y, at.z - told.z) > 0.03 && this.session?.state === 'live') {
      this.#toldListener = at
      this.session.tellListener(at)
    }
    if (this.#caption && focus && focus.performer.heardAt(performance.now()) >= this.#caption.from) {
      this.page.caption(this.#caption.text)
    }
  }

  // --- session events

  #changed(state: SessionState, why: string): void {
    this.state = state
    this.states.push({ time: performance.now(), state, why })
    // The chip says it in two words; the alert has room for what to do.
    this.page.connection(
      state,
      state === 'failed' ? 'Not connected' : state === 'ended' ? 'Left' : why || state,
    )
    if (state === 'live') this.#toldListener = { x: 0, y: 0, z: 0 }
    if (state === 'failed') this.tell('ERROR', why)
    if (state === 'ended' || state === 'failed') {
      this.stage.expect(0)
      this.page.tracker = this.trackerAllowed = false
      this.page.recording = this.recordingAllowed = false
      this.mimic.stop()
      this.room.hide()
      this.page.showWelcome()
    }
  }

  #spoken(speech: SpeechState): void {
    this.speech.push(speech)
    if (this.speech.length > 100) this.speech.shift()
    switch (speech.phase) {
      case 'STARTED':
        this.#caption = { text: speech.text, from: speech.sample, avatar: speech.avatar }
        break
      case 'FINISHED':
      case 'STOPPED':
        setTimeout(
          () => {
            const last = this.speech.at(-1)
            if (last?.phase === 'STARTED' || last?.phase === 'QUEUED') return
            this.#caption = null
            this.page.caption('')
          },
          speech.phase === 'STOPPED' ? 0 : 2500,
        )
        break
      case 'FAILED':
        this.tell('WARNING', speech.error || 'That could not be said.')
        break
      default:
        break
    }
  }

  async #talk(): Promise<void> {
    try {
      await this.session?.talk()
    } catch (error) {
      this.session?.hush()
      this.tell('WARNING', microphoneTrouble(error))
    }
  }

  async #offerHeadset(): Promise<void> {
    const supported = (await navigator.xr?.isSessionSupported('immersive-vr').catch(() => false)) ?? false
    this.headsetSupported = supported
    this.page.offerHeadset(supported)
  }

  #fit(): void {
    this.stage.resize()
    this.stage.setBottomInset(this.page.bottomInset)
  }
}

const at = new Vector3()
const ahead = new Vector3()
const up = new Vector3()

export function outputLatency(context: AudioContext | null): number {
  return context ? outputLatencyMs(context) : 0
}

/** The mark, louder where what is shown cannot be verified; empty where it must not be shown. */
function shownMark(performer: Performer): string {
  const mark = markText(performer.tag)
  return mark !== '' && performer.seals.state === 'failed' ? `${mark} - NOT VERIFIED` : mark
}

function sealWords(seals: Performer['seals']): string {
  switch (seals.state) {
    case 'verified':
      return `Sealed, verified (${seals.verified.toLocaleString('en')} frames)`
    case 'failed':
      return `NOT VERIFIED: ${seals.why}`
    case 'pending':
      return 'Waiting for a seal'
    case 'none':
      return 'No seals yet'
  }
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return response.json()
}

function readIceServers(config: unknown): RTCIceServer[] {
  const turn = (config as { turn?: unknown } | null)?.turn
  if (!Array.isArray(turn)) return []
  return turn.flatMap(each => (typeof each === 'string' ? [{ urls: each }] : isIceServer(each) ? [each] : []))
}

function isIceServer(value: unknown): value is RTCIceServer {
  return typeof value === 'object' && value !== null && 'urls' in value
}

import {
  AgXToneMapping,
  Color,
  Fog,
  Group,
  type Object3D,
  PCFShadowMap,
  PerspectiveCamera,
  Scene,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from 'three'
import type { Avatar } from '../avatar/avatar'
import { cheapen, type Quality } from '../avatar/materials'
import { Backlog, finished } from './backlog'
import { Enlarger } from './enlarger'
import { Lights, softboxEnvironment } from './lights'
import { Mark, type MarkProbe } from './mark'
import { Orbit } from './orbit'
import { judgeQuality, Pace } from './pace'
import { Plaque } from './plaque'
import { buildSet, disposeSet, type SceneName, type StageSet } from './set'

/** Height of the character's eyes on a screen, metres; a headset's wearer gets their own. */
const SCREEN_EYES = 1.42
const TALK_DISTANCE = 1.2
/** Between neighbours in a room, radians as seen by the viewer. */
const RING_STEP = 0.46

interface Seat {
  avatar: Avatar
  plaque: Plaque
  markText: string
  place: Group
  /** Stands in the middle. */
  central: boolean
  /** Its shaders are compiled: drawing it holds nothing up. */
  ready: boolean
}

export interface StageOptions {
  canvas: HTMLCanvasElement
  quality: Quality | null
  scene: SceneName
  /** Called before each picture with the time it is due on the screen. */
  pose: (dueMs: number) => void
  /** Called after each picture. */
  drawn: (dueMs: number) => void
}

/** The scene, its light, its camera and its avatars: draws pictures, on the screen or in a headset. */
export class Stage {
  readonly quality: Quality
  readonly mark = new Mark()
  readonly #renderer: WebGLRenderer
  readonly #scene = new Scene()
  /** Everything but the viewer; a headset's wearer stays where they are and the world comes to them. */
  readonly #world = new Group()
  readonly #camera = new PerspectiveCamera(27, 1, 0.05, 30)
  readonly #orbit: Orbit
  readonly #lights: Lights
  readonly #pace: Pace
  readonly #backlog: Backlog
  readonly #options: StageOptions
  readonly #seats = new Map<number, Seat>()
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #probes: ((probe: MarkProbe) => void)[] = []
  #shown: SceneName
  #set: StageSet
  #eyes = SCREEN_EYES
  #frames = 0
  #xrFrames = 0
  #lastMs = 0
  #firstPicture = 0
  #bottomInset = 0
  readonly #enlarger: Enlarger | null = null
  #session: XRSession | null = null
  #greeted = false

  constructor(options: StageOptions) {
    this.#options = options
    this.quality = options.quality ?? judgeQuality()
    // Multisampling costs software GL more than the whole picture is worth to it.
    this.#renderer = new WebGLRenderer({
      canvas: options.canvas,
      antialias: this.quality !== 'low',
      powerPreference: 'high-performance',
    })
    const low = this.quality === 'low'
    if (low) this.#enlarger = new Enlarger()
    const longest = low ? 0.5 : Math.min(devicePixelRatio, this.quality === 'high' ? 2 : 1.25)
    this.#pace = new Pace(longest, low ? 0.25 : 0.6, longest)
    this.#backlog = new Backlog(this.#renderer.getContext() as WebGL2RenderingContext)
    this.#renderer.outputColorSpace = SRGBColorSpace
    this.#renderer.toneMapping = AgXToneMapping
    this.#renderer.shadowMap.enabled = !low
    this.#renderer.shadowMap.type = PCFShadowMap
    this.#renderer.info.autoReset = false
    // Asking after each shader makes the page wait for its compiler.
    this.#renderer.debug.checkShaderErrors = import.meta.env.DEV
    this.#renderer.xr.enabled = true
    this.#renderer.xr.setReferenceSpaceType('local-floor')
    if (!low) this.#scene.environment = softboxEnvironment(this.#renderer)
    this.#lights = new Lights(low ? 0 : this.quality === 'high' ? 2048 : 1024)
    this.#world.add(this.#lights.group)
    this.#scene.add(this.#world, this.mark.headPlane, this.#camera)
    this.#orbit = new Orbit(this.#camera, options.canvas)
    this.#shown = options.scene
    this.#set = buildSet(options.scene)
    this.#dress()
    this.resize()
    void this.#compile(this.#scene).then(() =>
      this.#renderer.setAnimationLoop((time, frame) => this.#picture(time, frame)),
    )
  }

  get frames(): number {
    return this.#frames
  }

  get fps(): number {
    return this.#pace.fps
  }

  /** performance.now() of the first picture with an avatar; 0 before. */
  get firstPicture(): number {
    return this.#firstPicture
  }

  get drawCalls(): number {
    return this.#renderer.info.render.calls
  }

  get triangles(): number {
    return this.#renderer.info.render.triangles
  }

  get xr(): { presenting: boolean; frames: number } {
    return { presenting: this.#renderer.xr.isPresenting, frames: this.#xrFrames }
  }

  /** The viewer's head in the avatars' space: metres from the place where the focused head's origin rests. */
  get listener(): { x: number; y: number; z: number } {
    const camera = this.#renderer.xr.isPresenting ? this.#renderer.xr.getCamera() : this.#camera
    this.#world.worldToLocal(camera.getWorldPosition(viewer))
    return { x: viewer.x, y: viewer.y - this.#eyes, z: viewer.z }
  }

  setScene(name: SceneName): void {
    if (name === this.#shown) return
    disposeSet(this.#set)
    this.#shown = name
    this.#set = buildSet(name)
    this.#dress()
  }

  /** Puts the set into the world and lights it. */
  #dress(): void {
    if (this.quality === 'low') cheapen(this.#set.group)
    this.#world.add(this.#set.group)
    const { lighting, distance } = this.#set
    this.#orbit.frame(distance)
    this.#scene.background = new Color(lighting.background)
    this.#scene.fog = new Fog(lighting.background, 3.2, 9)
    this.#scene.environmentIntensity = lighting.environment
    this.#renderer.toneMappingExposure = lighting.exposure
    this.#lights.set(lighting, this.quality === 'low')
    this.#setEyes(this.#eyes)
  }

  /** Takes an avatar in; without a mark to show, it stays out of the picture. */
  seat(id: number, avatar: Avatar, markText: string, central: boolean): void {
    this.unseat(id)
    const plaque = new Plaque()
    plaque.setText(markText)
    const place = new Group().add(avatar.group, plaque.mesh)
    const seat = { avatar, plaque, markText, place, central, ready: false }
    this.#seats.set(id, seat)
    avatar.group.visible = false
    void this.#compile(place).then(() => (seat.ready = true))
    this.#world.add(place)
    this.#arrange()
  }

  setMark(id: number, markText: string): void {
    const seat = this.#seats.get(id)
    if (!seat || seat.markText === markText) return
    seat.markText = markText
    seat.plaque.setText(markText)
    this.#arrange()
  }

  unseat(id: number): void {
    const seat = this.#seats.get(id)
    if (!seat) return
    this.#seats.delete(id)
    seat.avatar.dispose()
    seat.plaque.dispose()
    seat.place.removeFromParent()
    this.#arrange()
  }

  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#options.canvas
    if (width === 0 || height === 0 || this.#renderer.xr.isPresenting) return
    this.#renderer.setPixelRatio(this.#enlarger ? 1 : this.#pace.ratio)
    this.#renderer.setSize(width, height, false)
    this.#camera.aspect = width / height
    this.#camera.updateProjectionMatrix()
  }

  /** CSS pixels at the bottom that the page's own controls cover; the mark stays above them. */
  setBottomInset(pixels: number): void {
    this.#bottomInset = pixels
  }

  /**
   * Draws `pictures` with `count` copies of a seated avatar, each posed anew by `pose`, and tells what a picture
   * costs. CPU is the page's own work; the graphics are waited for in between.
   */
  async benchmark(
    count: number,
    pictures: number,
    pose: (avatar: Avatar, copy: number, picture: number) => void,
  ): Promise<{ drawCalls: number; triangles: number; cpuMs: number[] }> {
    const seat = this.#seats.values().next().value
    if (!seat || !this.mark.drawable) throw new Error('There is no avatar to copy yet: begin first.')
    const copies = Array.from({ length: count - 1 }, (_, i) => {
      const copy = seat.avatar.copy(this.quality)
      // Rows of a classroom, seen from the front.
      copy.group.position.set(((i % 10) - 4.5) * 0.75, this.#eyes - 0.2, -1 - Math.floor(i / 10) * 0.9)
      this.#world.add(copy.group)
      return copy
    })
    const cpuMs: number[] = []
    this.#renderer.setAnimationLoop(null)
    try {
      for (let picture = 0; picture < pictures + 2; picture++) {
        while (this.#backlog.busy(performance.now())) await new Promise(resolve => setTimeout(resolve, 1))
        const begun = performance.now()
        ;[seat.avatar, ...copies].forEach((avatar, i) => pose(avatar, i, picture))
        this.#draw()
        // The first two pictures compile shaders and upload textures.
        if (picture >= 2) cpuMs.push(performance.now() - begun)
        this.#backlog.submitted(performance.now())
      }
      return { drawCalls: this.drawCalls, triangles: this.triangles, cpuMs }
    } finally {
      for (const copy of copies) copy.group.removeFromParent()
      this.#renderer.setAnimationLoop((time, frame) => this.#picture(time, frame))
    }
  }

  /** Reads the mark's pixels out of the next picture. */
  probeMark(): Promise<MarkProbe> {
    return new Promise(resolve => this.#probes.push(resolve))
  }

  /** Starts an immersive session. Rejects with words a person can read. */
  async enterHeadset(ended: () => void): Promise<void> {
    if (!navigator.xr) throw new Error('This browser has no WebXR. Open the page in a headset’s browser.')
    const session = await navigator.xr
      .requestSession('immersive-vr', {
        requiredFeatures: ['local-floor'],
        optionalFeatures: ['hand-tracking'],
      })
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error)
        throw new Error(`The headset did not start an immersive session: ${why}`)
      })
    this.#session = session
    session.addEventListener('end', () => {
      this.#session = null
      this.mark.hideInHeadset()
      this.#world.position.set(0, 0, 0)
      this.#world.rotation.y = 0
      this.#setEyes(SCREEN_EYES)
      this.resize()
      ended()
    })
    this.#greeted = false
    await this.#renderer.xr.setSession(session)
  }

  async leaveHeadset(): Promise<void> {
    await this.#session?.end()
  }

  #picture(time: number, frame?: XRFrame): void {
    const now = performance.now()
    // While slow graphics still work on the last picture, another would only block the page and its network.
    if (!this.#renderer.xr.isPresenting && this.#backlog.busy(now)) return
    const elapsed = Math.min(Math.max(now - this.#lastMs, 0), 1000)
    this.#lastMs = now
    const presenting = this.#renderer.xr.isPresenting
    // In a headset `time` is when the picture will be shown; on a screen that is when the graphics are done.
    const due = presenting && frame ? Math.max(time, now) : now + Math.min(this.#backlog.latencyMs, 60)
    this.#options.pose(due)
    this.mark.beginPicture()
    const shown = this.mark.drawable
    let visible = 0
    for (const seat of this.#seats.values()) {
      seat.avatar.group.visible = shown && seat.ready && seat.markText !== ''
      if (seat.avatar.group.visible) visible++
    }
    if (presenting) this.#meetEyes(frame)
    else this.#orbit.update(this.#eyes, elapsed, this.#calm.matches)
    this.#draw()
    if (!presenting) {
      for (const answer of this.#probes.splice(0)) answer(this.mark.probe(this.#renderer))
      this.#backlog.submitted(now)
      const ratio = this.#pace.picture(now)
      if (ratio !== null) this.resize()
    } else {
      this.#xrFrames++
      this.#pace.picture(now)
    }
    this.#frames++
    if (this.#firstPicture === 0 && visible > 0) this.#firstPicture = performance.now()
    this.#options.drawn(due)
  }

  /** Compiles what `object` needs to be drawn, while the page goes on: slow graphics take a second or more. */
  async #compile(object: Object3D): Promise<void> {
    this.#renderer.compile(object, this.#camera, this.#scene)
    // Asking a program whether it is ready would wait for all that the graphics have to do; a fence does not.
    await finished(this.#renderer.getContext() as WebGL2RenderingContext)
  }

  /** The scene and, over it, the mark. */
  #draw(): void {
    this.#renderer.info.reset()
    const presenting = this.#renderer.xr.isPresenting
    if (presenting) this.mark.placeInHeadset(this.#renderer.xr.getCamera())
    const draw = (): void => this.#renderer.render(this.#scene, this.#camera)
    if (!presenting && this.#enlarger) this.#enlarger.draw(this.#renderer, this.#pace.ratio, draw)
    else draw()
    if (presenting) return
    const { clientWidth, clientHeight } = this.#options.canvas
    this.mark.drawScreen(this.#renderer, clientWidth, clientHeight, this.#bottomInset)
  }

  /**
   * Once the headset knows where its wearer's eyes are, the world moves: the character stands before them, eye to
   * eye, wherever they stand and face.
   */
  #meetEyes(frame: XRFrame | undefined): void {
    if (this.#greeted || !frame) return
    const space = this.#renderer.xr.getReferenceSpace()
    const pose = space ? frame.getViewerPose(space) : null
    if (!pose) return
    this.#greeted = true
    const { position, orientation } = pose.transform
    const { x, y, z, w } = orientation
    const yaw = Math.atan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    this.#world.position.set(
      position.x - TALK_DISTANCE * Math.sin(yaw),
      0,
      position.z - TALK_DISTANCE * Math.cos(yaw),
    )
    this.#world.rotation.y = yaw
    this.#world.updateMatrixWorld(true)
    this.#setEyes(Math.min(Math.max(position.y, 1.0), 1.75))
  }

  #setEyes(y: number): void {
    this.#eyes = y
    this.#set.setEyeHeight(y)
    this.#lights.aim(y)
    this.#arrange()
  }

  #arrange(): void {
    const { plaque } = this.#set
    const seats = [...this.#seats.values()].sort((a, b) => Number(b.central) - Number(a.central))
    seats.forEach((seat, i) => {
      // The first stands in the middle, the others on both sides of it, in a ring round the viewer.
      const angle = (i % 2 === 1 ? 1 : -1) * Math.ceil(i / 2) * RING_STEP
      seat.place.position.set(
        TALK_DISTANCE * Math.sin(angle),
        this.#eyes,
        TALK_DISTANCE * (1 - Math.cos(angle)),
      )
      seat.place.rotation.y = -angle
      seat.plaque.mesh.position.set(plaque.x, plaque.y, plaque.z)
      seat.plaque.mesh.rotation.x = plaque.tilt
    })
    this.mark.setLines(seats.map(seat => seat.markText).filter(text => text !== ''))
  }
}

const viewer = new Vector3()

import {
  AgXToneMapping,
  type Camera,
  Color,
  Fog,
  Frustum,
  Group,
  type Object3D,
  PCFShadowMap,
  PerspectiveCamera,
  Quaternion,
  Scene,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from 'three'
import type { Avatar } from '../avatar/avatar'
import { cheapen, type Quality } from '../avatar/materials'
import { HandPair } from '../hands/hand-pair'
import type { Face } from '../motion/face'
import type { StreamHeader } from '../wire/messages'
import type { Pose } from '../wire/packet'
import { poseAt } from '../xr/own-pose'
import { readWearer, type Wearer } from '../xr/wearer'
import { Backlog, finished } from './backlog'
import { FirstPerson } from './first-person'
import { Lights, softboxEnvironment } from './lights'
import { Mark, type MarkProbe } from './mark'
import { DIRECT } from './layers'
import { Mirror } from './mirror'
import { Orbit } from './orbit'
import { judgeQuality, Pace } from './pace'
import { regionOf } from './region'
import type { Stand } from './parts'
import { turnWith } from './pointer'
import { framing, glance, type Place, placeOf } from './seating'
import { buildSet, disposeParts, type SceneName, type StageSet } from './set'
import { NEAREST, Sitter, viewOf } from './sitter'
import { SoftwarePicture } from './software-picture'
import { useSoftwareTones } from './software-tones'

/** Height of the character's eyes on a screen, metres; a headset's wearer gets their own. */
const SCREEN_EYES = 1.42
/** Between two pictures of a set without avatars. */
const EMPTY_MS = 200
const TALK_DISTANCE = 1.2
/** The share of the height that bars may take before the picture makes room for them. */
const USUAL_BARS = 0.25
/** Vertical fields of view from the own seat, degrees: into a mirror, and round a room. */
const MIRROR_FOV = 33
const ROOM_FOV = 48
/** An avatar's outline is known to so many metres: a neck bends, hair swings round with the head. */
const OUTLINE = 0.06
/** A wearer's pose goes out at most so often, ms. */
const POSE_MS = 25
/** Hands of someone who is nobody else. */
const PLAIN_HANDS = 0x9aa0a6

/** Face to face with the own character, or in its place. */
export type View = 'meet' | 'be'

export interface StageOptions {
  canvas: HTMLCanvasElement
  quality: Quality | null
  /** At most so many a second; 0: no limit. */
  pictures: number
  scene: SceneName
  /** Called before each picture with the time it is due on the screen. */
  pose: (dueMs: number) => void
  /** Called after each picture. */
  drawn: (dueMs: number) => void
  /** Called when the graphics were seen to be done with that picture; not in a headset. */
  finished: (nowMs: number) => void
  /** The head and hands of who wears the headset, in the space of the own seat. */
  worn: (pose: Pose) => void
  /** The view has changed, by itself or by `setView`. */
  viewed: (view: View) => void
}

/** The scene, its light, its camera and its avatars: draws pictures, on the screen or in a headset. */
export class Stage {
  readonly quality: Quality
  readonly mark = new Mark()
  readonly #renderer: WebGLRenderer
  readonly #scene = new Scene()
  /** Everything but the viewer; a headset's wearer stays where they are and the world comes to them. */
  readonly #world = new Group()
  /** Of the world: the set and the furniture; and what changes from picture to picture, a mirror too. */
  readonly #furniture = new Group()
  readonly #people = new Group()
  readonly #camera = new PerspectiveCamera(27, 1, 0.05, 30)
  readonly #orbit: Orbit
  readonly #firstPerson: FirstPerson
  readonly #lights: Lights
  readonly #pace: Pace
  readonly #backlog: Backlog
  readonly #options: StageOptions
  readonly #sitters = new Map<number, Sitter>()
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #probes: ((probe: MarkProbe) => void)[] = []
  #shown: SceneName
  #set: StageSet
  #eyes = SCREEN_EYES
  #frames = 0
  #xrFrames = 0
  #lastMs = 0
  #firstPicture = 0
  #expectedUntil = 0
  #bottomInset = 0
  readonly #software: SoftwarePicture | null = null
  #session: XRSession | null = null
  #greeted = false
  #mirror: Mirror | null = null
  /** Stands where nobody is yet. */
  #vacant: Stand | null = null
  #wish: View | null = null
  #view: View = 'meet'
  #framed = ''
  #seated = ''
  #wearer: Wearer | null = null
  #plainHands: HandPair | null = null
  #posedMs = 0
  /** Of an avatar, for a benchmark. */
  #copies: Avatar[] = []

  constructor(options: StageOptions) {
    this.#options = options
    this.quality = options.quality ?? judgeQuality()
    // Multisampling costs software GL more than the whole picture is worth to it.
    this.#renderer = new WebGLRenderer({
      canvas: options.canvas,
      antialias: this.quality !== 'low',
      preserveDrawingBuffer: this.quality === 'low',
      powerPreference: 'high-performance',
    })
    const low = this.quality === 'low'
    if (low) this.#software = new SoftwarePicture(this.#furniture, this.#people)
    options.canvas.addEventListener('webglcontextrestored', () => this.#software?.forget())
    const most = low ? 1 : Math.min(devicePixelRatio, this.quality === 'high' ? 2 : 1.25)
    this.#pace = low
      ? new Pace(0.75, { least: 0.5, most, slow: 12, fast: 22 })
      : new Pace(most, { least: 0.6, most, slow: 40, fast: 55 })
    this.#backlog = new Backlog(this.#renderer.getContext() as WebGL2RenderingContext, nowMs =>
      options.finished(nowMs),
    )
    this.#renderer.outputColorSpace = SRGBColorSpace
    this.#renderer.toneMapping = AgXToneMapping
    if (low) useSoftwareTones(this.#renderer)
    this.#renderer.shadowMap.enabled = !low
    this.#renderer.shadowMap.type = PCFShadowMap
    this.#renderer.info.autoReset = false
    // Asking after each shader makes the page wait for its compiler.
    this.#renderer.debug.checkShaderErrors = import.meta.env.DEV
    this.#renderer.xr.enabled = true
    this.#renderer.xr.setReferenceSpaceType('local-floor')
    if (!low) this.#scene.environment = softboxEnvironment(this.#renderer)
    this.#lights = new Lights(low ? 0 : this.quality === 'high' ? 2048 : 1024)
    this.#world.add(this.#lights.group, this.#furniture, this.#people)
    this.#scene.add(this.#world, this.mark.headPlane, this.#camera)
    this.#camera.layers.enable(DIRECT)
    this.mark.headPlane.layers.set(DIRECT)
    this.#orbit = new Orbit(this.#camera)
    this.#firstPerson = new FirstPerson(this.#camera)
    turnWith(options.canvas, () => (this.#inside ? this.#firstPerson : this.#orbit))
    this.#shown = options.scene
    this.#set = buildSet(options.scene)
    this.#dress()
    this.resize()
    void this.compile(this.#scene).then(() =>
      this.#renderer.setAnimationLoop((time, frame) => this.#picture(time, frame)),
    )
  }

  get frames(): number {
    return this.#frames
  }

  /** Drawn pixels for each of the page's, along a side. */
  get ratio(): number {
    return this.#pace.ratio
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

  get view(): View {
    return this.#view
  }

  /** Whether the last picture shows a mirror's reflection. */
  get reflects(): boolean {
    return this.#mirror?.seen ?? false
  }

  /** Where on the canvas the own character's mark is reflected, CSS pixels; null where no mirror shows it. */
  get reflectedMark(): { x: number; y: number; width: number; height: number } | null {
    const glass = this.#mirror?.mesh
    const plate = this.#own?.plaque.meshes[1]
    if (!this.reflects || !glass || !plate) return null
    const { clientWidth, clientHeight } = this.#options.canvas
    glass.getWorldDirection(forward)
    glass.getWorldPosition(point)
    const corners = [-1, 1].flatMap(x => [-1, 1].map(y => new Vector3((x * 0.36) / 2, (y * 0.045) / 2, 0)))
    for (const corner of corners) {
      plate.localToWorld(corner)
      corner.addScaledVector(forward, -2 * viewer.copy(corner).sub(point).dot(forward)).project(this.#camera)
    }
    const xs = corners.map(each => ((each.x + 1) / 2) * clientWidth)
    const ys = corners.map(each => ((1 - each.y) / 2) * clientHeight)
    const [x, y] = [Math.min(...xs), Math.min(...ys)]
    return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y }
  }

  /** What tests and the curious ask about those who are here. */
  get sitters(): { id: number; place: object; level: string; inView: boolean; hands: boolean }[] {
    return [...this.#sitters].map(([id, each]) => ({
      id,
      place: { ...each.place },
      level: each.level,
      inView: each.inView,
      hands: each.handsShown,
    }))
  }

  /**
   * What the own character should look at, in the space of its seat: the viewer; from its own seat, itself in the
   * mirror or whatever the viewer looks at.
   */
  get listener(): { x: number; y: number; z: number } {
    const camera = this.#eye
    camera.getWorldPosition(viewer)
    const glass = this.#set.mirror?.before ? this.#mirror?.mesh : null
    if (this.#inside && glass) {
      glass.getWorldDirection(forward)
      glass.getWorldPosition(point)
      viewer.addScaledVector(forward, -2 * point.sub(viewer).negate().dot(forward))
    } else if (this.#inside) viewer.addScaledVector(camera.getWorldDirection(forward), GAZE_DISTANCE)
    const own = this.#own ?? this.#sitters.values().next().value
    if (own) own.group.worldToLocal(viewer)
    else this.#world.worldToLocal(viewer).setY(viewer.y - this.#eyes)
    const { x, y, z } = viewer.clampLength(0, 15)
    return { x, y, z }
  }

  /** Where the viewer's ears are and which way they face, in the world. */
  ears(at: Vector3, ahead: Vector3, up: Vector3): void {
    const camera = this.#eye
    camera.getWorldPosition(at)
    camera.getWorldDirection(ahead)
    up.set(0, 1, 0).applyQuaternion(camera.getWorldQuaternion(turned))
  }

  /** The model that an avatar is drawn with. */
  model(id: number): Avatar | null {
    return this.#sitters.get(id)?.model ?? null
  }

  /** Where an avatar's voice comes from, in the world; null if it is not here. */
  mouth(id: number, at: Vector3): Vector3 | null {
    return this.#sitters.get(id)?.mouth(at) ?? null
  }

  get #eye(): Camera {
    return this.#renderer.xr.isPresenting ? this.#renderer.xr.getCamera() : this.#camera
  }

  get #own(): Sitter | null {
    for (const sitter of this.#sitters.values()) if (sitter.own) return sitter
    return null
  }

  get #someoneReady(): boolean {
    for (const sitter of this.#sitters.values()) if (sitter.ready) return true
    return false
  }

  /** The own character, if the viewer is in its place. */
  get #inside(): Sitter | null {
    return this.#view === 'be' ? this.#own : null
  }

  /** null: whatever suits the scene and the company. */
  setView(view: View | null): void {
    this.#wish = view
    this.#arrange()
  }

  setScene(name: SceneName): void {
    if (name === this.#shown) return
    disposeParts(this.#set.group)
    this.#mirror?.dispose()
    this.#mirror = null
    this.#shown = name
    this.#set = buildSet(name)
    this.#dress()
  }

  /** Puts the set into the world and lights it. */
  #dress(): void {
    if (this.quality === 'low') cheapen(this.#set.group)
    this.#furniture.add(this.#set.group)
    const { lighting, mirror } = this.#set
    const low = this.quality === 'low'
    // Software drawing has no time for a second picture that nobody came for.
    if (mirror && (mirror.before || !low)) {
      const look = low ? { share: 0.5, samples: 0 } : { share: 0.5, samples: 4 }
      this.#mirror = new Mirror(mirror.width, mirror.height, look, this.#furniture)
      this.#mirror.mesh.position.set(mirror.x, mirror.y, mirror.z)
      this.#mirror.mesh.rotation.y = mirror.yaw
      this.#people.add(this.#mirror.mesh)
    }
    for (const sitter of this.#sitters.values()) this.#furnish(sitter)
    if (this.#vacant) disposeParts(this.#vacant.group)
    this.#vacant = this.#newStand()
    this.#framed = ''
    this.#scene.background = new Color(lighting.background)
    this.#scene.fog = new Fog(lighting.background, 3.2, 9)
    this.#scene.environmentIntensity = lighting.environment
    this.#renderer.toneMappingExposure = lighting.exposure
    this.#lights.set(lighting, this.quality === 'low')
    this.#setEyes(this.#eyes)
  }

  /**
   * Takes an avatar in; without a mark to show, it stays out of the picture. A second model of the same avatar
   * joins the first: the finer is drawn near, the lighter far away.
   */
  seat(id: number, avatar: Avatar, markText: string, header: StreamHeader): void {
    const known = this.#sitters.get(id)
    if (known) {
      void this.compile(avatar.group).then(() => {
        if (this.#sitters.get(id) === known) known.add(avatar)
        else avatar.dispose()
      })
      return
    }
    const sitter = new Sitter(avatar, {
      own: header.self,
      seat: header.seat,
      markText,
      quality: this.quality,
    })
    this.#sitters.set(id, sitter)
    this.#furnish(sitter)
    void this.compile(sitter.group).then(() => (sitter.ready = true))
    this.#people.add(sitter.group)
    this.#arrange()
  }

  /**
   * Somebody is on the way: for at most so long the set alone is not drawn again, because slow graphics are
   * wanted for whoever comes. 0: nobody comes after all.
   */
  expect(forMs: number): void {
    this.#expectedUntil = forMs > 0 ? performance.now() + forMs : 0
  }

  /** Draws an avatar with this face from now on. */
  pose(id: number, face: Face): void {
    this.#sitters.get(id)?.pose(face)
  }

  setMark(id: number, markText: string): void {
    const sitter = this.#sitters.get(id)
    if (!sitter || sitter.markText === markText) return
    sitter.markText = markText
    sitter.plaque.setText(markText)
    this.#arrange()
  }

  unseat(id: number): void {
    const sitter = this.#sitters.get(id)
    if (!sitter) return
    this.#sitters.delete(id)
    sitter.dispose()
    this.#arrange()
  }

  #newStand(): Stand {
    const stand = this.#set.stand()
    if (this.quality === 'low') cheapen(stand.group)
    this.#furniture.add(stand.group)
    return stand
  }

  #furnish(sitter: Sitter): void {
    sitter.setStand(this.#newStand())
    sitter.plaque.hang(this.#set.plaque)
  }

  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#options.canvas
    if (width === 0 || height === 0 || this.#renderer.xr.isPresenting) return
    this.#renderer.setPixelRatio(this.#software ? 1 : this.#pace.ratio)
    this.#renderer.setSize(width, height, false)
    this.#camera.aspect = width / height
    this.#shift()
  }

  /** CSS pixels at the bottom that the page's own controls cover; the mark stays above them. */
  setBottomInset(pixels: number): void {
    this.#bottomInset = pixels
    this.#shift()
  }

  /** On a phone the controls take much of the height: the picture moves up, so that the mark leaves the face free. */
  #shift(): void {
    const { clientWidth: width, clientHeight: height } = this.#options.canvas
    if (width === 0 || height === 0) return
    const up = Math.max(0, this.#bottomInset - height * USUAL_BARS) * 0.7
    this.#camera.setViewOffset(width, height, 0, up, width, height)
  }

  /**
   * Draws `pictures` with `count` copies of a seated avatar, each posed anew by `pose`, and tells what a picture
   * costs: the page's own work, and the time until the graphics are done.
   */
  async benchmark(
    count: number,
    pictures: number,
    pose: (avatar: Avatar, copy: number, picture: number) => void,
  ): Promise<{ drawCalls: number; triangles: number; cpuMs: number[]; drawnMs: number[] }> {
    const seat = this.#sitters.values().next().value?.finest
    if (!seat || !this.mark.drawable) throw new Error('There is no avatar to copy yet: begin first.')
    const copies = Array.from({ length: count - 1 }, (_, i) => {
      const copy = seat.copy(this.quality)
      // Rows of a classroom, seen from the front.
      copy.group.position.set(((i % 10) - 4.5) * 0.75, this.#eyes - 0.2, -1 - Math.floor(i / 10) * 0.9)
      this.#people.add(copy.group)
      return copy
    })
    this.#copies = copies
    const cpuMs: number[] = []
    const drawnMs: number[] = []
    this.#renderer.setAnimationLoop(null)
    try {
      for (let picture = 0; picture < pictures + 2; picture++) {
        const begun = performance.now()
        ;[seat, ...copies].forEach((avatar, i) => pose(avatar, i, picture))
        this.#draw()
        // The first two pictures compile shaders and upload textures.
        if (picture >= 2) cpuMs.push(performance.now() - begun)
        this.#backlog.submitted(performance.now())
        while (this.#backlog.busy(performance.now())) await new Promise(resolve => setTimeout(resolve, 1))
        if (picture >= 2) drawnMs.push(performance.now() - begun)
      }
      return { drawCalls: this.drawCalls, triangles: this.triangles, cpuMs, drawnMs }
    } finally {
      this.#copies = []
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
      this.#wearer = null
      this.#plainHands?.show(null, [0, 0, 0])
      const own = this.#own
      if (own) own.wornHands = false
      this.#framed = ''
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
    // An empty set stands still; whoever waits for a character needs the machine for that.
    if (this.#sitters.size === 0 && !this.#renderer.xr.isPresenting && now - this.#lastMs < EMPTY_MS) return
    if (now < this.#expectedUntil && !this.#renderer.xr.isPresenting && !this.#someoneReady) return
    // Whoever shares a machine may ask for few pictures.
    if (this.#options.pictures > 0 && now - this.#lastMs < 1000 / this.#options.pictures) return
    // While slow graphics still work on the last picture, another would only block the page and its network.
    if (!this.#renderer.xr.isPresenting && this.#backlog.busy(now)) return
    const elapsed = Math.min(Math.max(now - this.#lastMs, 0), 1000)
    this.#lastMs = now
    const presenting = this.#renderer.xr.isPresenting
    // In a headset `time` is when the picture will be shown; on a screen that is when the graphics are done.
    const due = presenting && frame ? Math.max(time, now) : now + Math.min(this.#backlog.latencyMs, 60)
    if (presenting && frame) this.#wear(frame, now)
    else this.#look(elapsed)
    this.#judgeView(presenting)
    this.#options.pose(due)
    this.mark.beginPicture()
    const shown = this.mark.drawable
    let visible = 0
    for (const sitter of this.#sitters.values()) {
      const seen = shown && sitter.ready && sitter.markText !== ''
      sitter.setVisible(seen)
      if (seen) visible++
    }
    this.#draw()
    if (!presenting) {
      for (const answer of this.#probes.splice(0)) answer(this.mark.probe(this.#renderer))
      this.#backlog.submitted(now)
      const ratio = this.#pace.picture(now)
      if (ratio !== null && !this.#software) this.resize()
    } else {
      this.#xrFrames++
      this.#pace.picture(now)
    }
    this.#frames++
    if (this.#firstPicture === 0 && visible > 0) this.#firstPicture = performance.now()
    this.#options.drawn(due)
  }

  /** Compiles what `object` needs to be drawn, while the page goes on: slow graphics take a second or more. */
  async compile(object: Object3D): Promise<void> {
    this.#renderer.compile(object, this.#camera, this.#scene)
    // Asking a program whether it is ready would wait for all that the graphics have to do; a fence does not.
    await finished(this.#renderer.getContext() as WebGL2RenderingContext)
  }

  /** The scene and, over it, the mark. */
  #draw(): void {
    this.#renderer.info.reset()
    const presenting = this.#renderer.xr.isPresenting
    if (presenting) this.mark.placeInHeadset(this.#renderer.xr.getCamera())
    const { clientWidth, clientHeight } = this.#options.canvas
    if (this.#software && !presenting) {
      const points = [...this.#sitters.values()].filter(each => each.inView).flatMap(each => each.outline())
      for (const copy of this.#copies)
        points.push(...copy.outline(null).map(each => copy.group.localToWorld(each)))
      if (this.#mirror?.mesh.visible) points.push(...this.#mirror.corners())
      this.#software.draw(this.#renderer, this.#scene, this.#camera, {
        region: regionOf(points, OUTLINE, this.#camera, clientWidth, clientHeight),
        farthest: OUTLINE + Math.max(0, ...points.map(each => each.distanceTo(this.#camera.position))),
        over: this.mark.region,
        share: this.#pace.ratio,
      })
    } else this.#renderer.render(this.#scene, this.#camera)
    if (presenting) return
    this.mark.drawScreen(this.#renderer, clientWidth, clientHeight, this.#bottomInset)
  }

  #look(elapsedMs: number): void {
    const inside = this.#inside
    if (inside) this.#firstPerson.update(this.#eyes, elapsedMs, this.#calm.matches)
    else {
      if (this.#camera.fov !== Orbit.fov) {
        this.#camera.fov = Orbit.fov
        this.#camera.updateProjectionMatrix()
      }
      this.#orbit.update(this.#eyes, elapsedMs, this.#calm.matches)
    }
    this.#camera.updateMatrixWorld()
  }

  /** Decides who is worth posing, and with which model: what nobody sees costs nothing. */
  #judgeView(presenting: boolean): void {
    const camera = this.#eye
    viewOf(camera, frustum)
    camera.getWorldPosition(viewer)
    const reflected = this.#mirror?.seen ?? false
    this.#mirror?.beginPicture()
    // A head turns further between two pictures than a mouse.
    for (const sitter of this.#sitters.values()) sitter.look(frustum, viewer, reflected || presenting)
    const seen = [...this.#sitters.values()].filter(each => each.inView)
    seen.sort((a, b) => a.distance - b.distance).forEach((each, i) => each.choose(i < NEAREST))
  }

  /** Follows the headset's wearer: their place in the room, their head and their hands. */
  #wear(frame: XRFrame, now: number): void {
    const space = this.#renderer.xr.getReferenceSpace()
    const sources = this.#session?.inputSources
    this.#wearer = space && sources ? readWearer(frame, space, sources) : null
    const wearer = this.#wearer
    if (!wearer) return
    if (!this.#greeted) this.#meetEyes(wearer)
    const inside = this.#inside
    const pose = poseAt(inside?.group ?? this.#scene, wearer)
    let hands: HandPair | null
    if (inside) {
      inside.wornHands = true
      hands = inside.showHands(pose?.hands ?? null, [0, 0, 0])
      this.#plainHands?.show(null, [0, 0, 0])
      if (pose && now - this.#posedMs >= POSE_MS) {
        this.#posedMs = now
        this.#options.worn(pose)
      }
    } else {
      if (pose?.hands && !this.#plainHands) {
        this.#plainHands = new HandPair(new Color(PLAIN_HANDS), this.quality)
        this.#scene.add(this.#plainHands.group)
      }
      this.#plainHands?.show(pose?.hands ?? null, [0, 0, 0])
      hands = this.#plainHands
    }
    wearer.hands.forEach((hand, side) => {
      if (hand?.joints) hands?.bend(side === 0 ? 0 : 1, hand.joints)
    })
  }

  /**
   * Once the headset knows where its wearer's eyes are, the world moves: they are in their seat, or the character
   * stands before them, eye to eye, wherever they stand and face.
   */
  #meetEyes({ position, rotation: { x, y, z, w } }: Wearer): void {
    this.#greeted = true
    const yaw = Math.atan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    const inside = this.#inside
    const own = (inside ?? this.#own ?? this.#sitters.values().next().value)?.place ?? { x: 0, z: 0, yaw: 0 }
    // A headset looks along -z, a seat faces +z; who sits may look aside, towards the others.
    const turn = inside ? yaw + Math.PI - own.yaw - glance(own, this.#others(inside)) : yaw - own.yaw
    const away = inside ? 0 : TALK_DISTANCE
    this.#world.rotation.y = turn
    this.#world.position.set(
      position.x - away * Math.sin(yaw) - (own.x * Math.cos(turn) + own.z * Math.sin(turn)),
      0,
      position.z - away * Math.cos(yaw) - (own.z * Math.cos(turn) - own.x * Math.sin(turn)),
    )
    this.#world.updateMatrixWorld(true)
    this.#setEyes(Math.min(Math.max(position.y, 1.0), 1.75))
  }

  #others(own: Sitter | null): Place[] {
    // Into a mirror one looks straight.
    if (this.#set.mirror?.before) return []
    return [...this.#sitters.values()].filter(each => each !== own).map(each => each.place)
  }

  #setEyes(y: number): void {
    this.#eyes = y
    this.#lights.aim(y)
    this.#arrange()
  }

  #arrange(): void {
    const sitters = [...this.#sitters.values()].sort((a, b) => Number(b.own) - Number(a.own))
    sitters.forEach((sitter, i) => sitter.sit(placeOf(sitter.seat, i), this.#eyes))
    this.#vacant?.setEyeHeight(this.#eyes)
    if (this.#vacant) this.#vacant.group.visible = sitters.length === 0
    this.#software?.forget()
    this.mark.setLines(sitters.map(sitter => sitter.markText).filter(text => text !== ''))
    this.#chooseView(sitters)
  }

  #chooseView(sitters: readonly Sitter[]): void {
    const own = sitters.find(each => each.own) ?? null
    const company = this.#session !== null && sitters.length > 1
    const fitting: View = this.#set.mirror?.before || company ? 'be' : 'meet'
    const view = own === null ? 'meet' : (this.#wish ?? fitting)
    own?.hide(view === 'be')
    if (own && view !== 'be') own.wornHands = false
    const frame = this.#set.group.getObjectByName('mirror')
    // From the front, a mirror before the character would only show its back.
    const open = view === 'be' || !this.#set.mirror?.before
    if (frame) frame.visible = open
    if (this.#mirror) this.#mirror.mesh.visible = open
    const first = own ?? sitters[0] ?? null
    const stay = first?.place ?? { x: 0, z: 0, yaw: 0 }
    this.#lights.group.position.x = stay.x
    this.#lights.group.position.z = stay.z
    if (view !== this.#view) {
      this.#view = view
      this.#greeted = false
      this.#options.viewed(view)
    }
    const seated = JSON.stringify(stay)
    if (seated !== this.#seated) this.#greeted = false
    this.#seated = seated
    const places = sitters.map(each => each.place)
    const key = JSON.stringify([view, stay, places, this.#camera.aspect])
    if (key === this.#framed) return
    this.#framed = key
    const spread = Math.tan((Orbit.fov * Math.PI) / 360) * this.#camera.aspect
    if (view === 'be')
      this.#firstPerson.frame(
        stay,
        glance(stay, this.#others(own)),
        this.#set.mirror?.before ? MIRROR_FOV : ROOM_FOV,
      )
    else this.#orbit.frame(framing(places, stay, this.#set.distance, spread))
  }
}

const viewer = new Vector3()
const forward = new Vector3()
const point = new Vector3()
const turned = new Quaternion()
const frustum = new Frustum()
/** Whoever looks round a room looks at something about so far away, metres. */
const GAZE_DISTANCE = 1.5

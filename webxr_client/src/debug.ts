import { type App, outputLatency } from './app'
import { benchRender } from './stage/bench-render'
import type { MarkProbe } from './stage/mark'

/** A read-only view of the page for tests and the curious, as `window.likeness`. Values are copies. */
export function exposeDebug(app: App): void {
  const focus = () => app.focus
  const view = {
    version: '0.1.0',
    get state() {
      return app.state
    },
    get transport() {
      return app.transport
    },
    get session() {
      return app.session?.welcome?.session ?? ''
    },
    get room() {
      return app.session?.welcome?.room ?? ''
    },
    get people() {
      return {
        code: app.room.state?.code ?? '',
        floor: app.room.state?.floor ?? 0,
        people: app.room.state?.people.map(each => ({ ...each })) ?? [],
      }
    },
    get view() {
      return app.stage.view
    },
    /** Everybody in the picture: where they are, how they are drawn, and what their motion and voice do. */
    get company() {
      return app.stage.sitters.map(sitter => {
        const performer = app.avatars.get(sitter.id)?.performer
        return {
          ...sitter,
          character: performer?.header.character ?? '',
          self: performer?.header.self ?? false,
          drawn: performer?.track.drawn ?? Number.NaN,
          lip: app.stage.model(sitter.id)?.lipOpening() ?? Number.NaN,
          mouth: performer?.mouth
            ? [
                performer.mouth.input.positionX,
                performer.mouth.input.positionY,
                performer.mouth.input.positionZ,
              ].map(each => each.value)
            : null,
          loudness: performer?.voice?.level() ?? 0,
          url: app.stage.model(sitter.id)?.url ?? '',
        }
      })
    },
    get reflects() {
      return app.stage.reflects
    },
    get reflectedMark() {
      return app.stage.reflectedMark
    },
    get resumed() {
      return app.session?.resumed ?? 0
    },
    get error() {
      return app.error
    },
    get states() {
      return app.states.map(each => ({ ...each }))
    },
    get notices() {
      return app.notices.map(each => ({ ...each }))
    },
    get face() {
      return { state: app.faceState, tracked: app.mimic.tracked.map(each => ({ ...each })) }
    },
    get speech() {
      return app.speech.map(each => ({ ...each }))
    },
    get avatars() {
      return [...app.avatars.keys()]
    },
    get self() {
      return app.session?.welcome?.avatar ?? 0
    },
    get frames() {
      return app.stage.frames
    },
    get fps() {
      return app.stage.fps
    },
    /** Drawn pixels for each of the page's, along a side. */
    get ratio() {
      return app.stage.ratio
    },
    get quality() {
      return app.stage.quality
    },
    get firstPicture() {
      return app.stage.firstPicture
    },
    get avatar() {
      const entry = focus()
      return {
        id: entry?.performer.header.avatar ?? 0,
        character: entry?.performer.header.character ?? '',
        triangles: entry?.avatar?.triangles ?? 0,
        drawCalls: app.stage.drawCalls,
        sceneTriangles: app.stage.triangles,
        morphs: entry?.avatar?.morphNames.length ?? 0,
        bones: entry?.avatar?.boneCount ?? 0,
        url: entry?.url ?? '',
        ready: Boolean(entry?.avatar),
        error: entry?.error ?? '',
      }
    },
    heardSample: () => focus()?.performer.heardAt(performance.now()) ?? Number.NaN,
    newestSample: () => focus()?.performer.track.newest ?? Number.NaN,
    get clock() {
      return { kind: focus()?.performer.clock.kind ?? 'none', outputLatencyMs: outputLatency(app.context) }
    },
    sync: () => app.sync.copy(),
    lips: () => app.lips.copy(),
    /** How far the lips of anybody's avatar are open as drawn now, metres. */
    lipOpening: (avatar: number) => app.avatars.get(avatar)?.avatar?.lipOpening() ?? Number.NaN,
    /** The brow's height in metres and the head's yaw in rad of anybody's avatar, measured on the drawn mesh. */
    measure: (avatar: number) => app.stage.model(avatar)?.measure() ?? null,
    levels: () => app.levels.copy(),
    get rest() {
      return focus()?.performer.track.rest ?? 1
    },
    get packets() {
      return {
        ...(app.session?.counts ?? { datagrams: 0, frames: 0, dropped: 0, malformed: 0, late: 0, bytes: 0 }),
      }
    },
    audioBytes: async () => (await app.session?.voiceBytes()) ?? 0,
    get seals() {
      const seals = focus()?.performer.seals
      return {
        verified: seals?.verified ?? 0,
        failed: seals?.failed ?? 0,
        pending: seals?.pending ?? 0,
        chunks: seals?.chunks ?? 0,
        state: seals?.state ?? 'none',
        text: document.querySelector('#seal .label')?.textContent ?? '',
      }
    },
    get mark() {
      return { text: app.stage.mark.text, visible: app.stage.mark.visible }
    },
    probeMark: (): Promise<MarkProbe> => app.stage.probeMark(),
    get xr() {
      return { supported: app.headsetSupported, ...app.stage.xr }
    },
    benchRender: (count: number, pictures: number) => benchRender(app.stage, count, pictures),
    say: (text: string) => app.say(text),
    stop: () => app.stop(),
    begin: (character?: string) => app.begin(character),
    cut: () => app.session?.cut(),
  }
  Object.defineProperty(window, 'likeness', {
    value: Object.freeze(view),
    configurable: false,
    writable: false,
  })
}

// Browser A is tracked through its (fake) camera; browser B, in the same room, draws A's avatar.
import { begin, openPage, options, pause, shoot } from './browser.mjs'

const camera = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  `--use-file-for-fake-video-capture=${options.film}`,
]
const PATIENCE_MS = 180_000

const tracked = await openPage({ flags: camera, query: { character: 'einstein' } })
let watching
try {
  tracked.page.setDefaultTimeout(PATIENCE_MS)
  await begin(tracked.page)
  const { room, avatar } = await tracked.page.evaluate(() => ({
    room: window.likeness.room,
    avatar: window.likeness.self,
  }))
  await tracked.page.locator('#embody').dispatchEvent('click')
  watching = await openPage({ query: { character: 'plain', room } })
  watching.page.setDefaultTimeout(PATIENCE_MS)
  await begin(watching.page)
  await watching.page.waitForFunction(id => Number.isFinite(window.likeness.lipOpening(id)), avatar)
  await watching.page.evaluate(id => {
    const drawn = []
    window.drawn = drawn
    const look = () => {
      drawn.push({ time: performance.timeOrigin + performance.now(), metres: window.likeness.lipOpening(id) })
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }, avatar)
  await tracked.page.waitForFunction(() => window.likeness.face.state === 'following')
  // Openings that the tracker itself has seen: a slow machine sees fewer pictures a second, and waits longer.
  const openings = () => {
    const mouth = window.likeness.face.tracked.map(each => each.mouth).filter(Number.isFinite)
    return mouth.filter((value, i) => value > 0.06 && i > 0 && mouth[i - 1] <= 0.06).length
  }
  const before = await tracked.page.evaluate(openings)
  await tracked.page.waitForFunction(
    ([count, wanted]) => {
      const mouth = window.likeness.face.tracked.map(each => each.mouth).filter(Number.isFinite)
      const seen = mouth.filter((value, i) => value > 0.06 && i > 0 && mouth[i - 1] <= 0.06).length
      return seen >= count + wanted
    },
    [before, options.openings],
    { timeout: PATIENCE_MS, polling: 250 },
  )
  await pause(1500)
  const faces = await tracked.page.evaluate(() => ({
    origin: performance.timeOrigin,
    tracked: window.likeness.face.tracked,
    state: window.likeness.face.state,
    mark: window.likeness.mark.text,
  }))
  const pictures = [
    await shoot(tracked.page, `${options.name}-tracked`),
    await shoot(watching.page, `${options.name}-watching`),
  ]
  const drawn = await watching.page.evaluate(() => window.drawn)
  console.log(
    JSON.stringify({ faces, drawn, pictures, problems: [...tracked.problems, ...watching.problems] }),
  )
} catch (error) {
  await shoot(tracked.page, `${options.name}-failed`).catch(() => undefined)
  const state = await tracked.page
    .evaluate(() => ({ state: window.likeness?.state, face: window.likeness?.face?.state, error: window.likeness?.error }))
    .catch(() => null)
  console.error(JSON.stringify({ state, problems: tracked.problems }))
  throw error
} finally {
  await watching?.browser.close()
  await tracked.browser.close()
}

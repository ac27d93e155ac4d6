// Browser A is tracked through its (fake) camera; browser B, in the same room, draws A's avatar.
import { begin, openPage, options, pause, shoot } from './browser.mjs'
import { drawnBy, filmed, noteNumbers, takeNeutral, track, tracked, watch } from './film.mjs'

const filming = await openPage({ flags: filmed(options.film), init: [noteNumbers] })
let watching
try {
  await filming.page.context().grantPermissions(['camera', 'microphone'])
  await begin(filming.page)
  const { room, avatar } = await filming.page.evaluate(() => ({
    room: window.likeness.room,
    avatar: window.likeness.self,
  }))
  await filming.page.locator('#embody').dispatchEvent('click')
  watching = await openPage({ query: { character: 'plain', room } })
  await begin(watching.page)
  await watch(watching.page, avatar)
  await takeNeutral(filming.page, options.calm)
  await track(filming.page, [[0, options.calm]], 1)
  await pause(options.seconds * 1000)
  const pictures = [
    await shoot(filming.page, `${options.name}-filmed`),
    await shoot(watching.page, `${options.name}-watching`),
  ]
  console.log(
    JSON.stringify({
      tracked: await tracked(filming.page),
      drawn: await drawnBy(watching.page),
      pictures,
      problems: [...filming.problems, ...watching.problems],
    }),
  )
} catch (error) {
  await shoot(filming.page, `${options.name}-failed`).catch(() => undefined)
  const state = await filming.page
    .evaluate(() => ({ state: window.likeness?.state, face: window.likeness?.face?.state, error: window.likeness?.error }))
    .catch(() => null)
  console.error(JSON.stringify({ state, problems: filming.problems }))
  throw error
} finally {
  await watching?.browser.close()
  await filming.browser.close()
}

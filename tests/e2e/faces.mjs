// What a camera may show besides one calm face; keeping what was sent of a face only for as long as the person
// allows it; the camera stopped, pulled out and blocked; and two tabs of one person.
import { existsSync } from 'node:fs'
import { begin, facts, live, openPage, options, pause, say, shoot } from './browser.mjs'
import { filmed, noteNumbers } from './film.mjs'
import { draws, show, takes } from './projector.mjs'

const QUERY = { pictures: '3', transport: 'ws' }
const LANDMARKS = 0x06

/** Keeps hold of the camera's track, so that it can be pulled out. */
function holdCamera() {
  const open = MediaDevices.prototype.getUserMedia
  MediaDevices.prototype.getUserMedia = async function (...asked) {
    const stream = await open.apply(this, asked)
    window.camera = stream.getVideoTracks()[0] ?? window.camera
    return stream
  }
}

/** Waits until the file of a session's face is there, or gone. */
async function until(there, path) {
  const from = Date.now()
  while (existsSync(path) !== there) {
    if (Date.now() - from > options.patience) throw new Error(`${path} is ${there ? 'not there' : 'still there'}`)
    await pause(20)
  }
}

/** Everything that goes over the page's WebSockets from now on, in its order: what the server and the page sent. */
function tap(page) {
  const wire = []
  page.on('websocket', socket => {
    const note = by => {
      return ({ payload }) => {
        if (typeof payload === 'string') wire.push({ by, message: JSON.parse(payload) })
        else if (by === 'server' || payload[0] === LANDMARKS) wire.push({ by, bytes: payload.toString('base64') })
      }
    }
    socket.on('framesent', note('page'))
    socket.on('framereceived', note('server'))
  })
  return wire
}

const { browser, page, problems } = await openPage({
  flags: [...filmed(options.film), `--use-file-for-fake-audio-capture=${options.recording}`],
  init: [noteNumbers, holdCamera],
  query: QUERY,
})
const steps = []
const step = name => {
  steps.push([name, Date.now()])
  if (process.env.STEPS) console.error(new Date().toISOString(), name)
}
try {
  step('begin')
  page.setDefaultTimeout(options.patience)
  await page.context().grantPermissions(['camera', 'microphone'])
  const wire = tap(page)
  await begin(page)
  const { session, self } = await facts(page)
  const embody = page.locator('#embody')
  const record = page.locator('#record-face')
  const kept = `${options.data}/faces/${session}.face`

  step('record')
  await embody.dispatchEvent('click')
  await page.waitForFunction(() => window.noted.length > 2)
  const before = existsSync(kept)
  await record.dispatchEvent('click')
  await until(true, kept)
  await record.dispatchEvent('click')
  await until(false, kept)
  const again = Date.now() / 1000
  await record.dispatchEvent('click')
  await until(true, kept)

  step('film')
  await page.waitForFunction(() => window.likeness.face.state === 'following')
  await page.locator('#neutral').dispatchEvent('click')
  // The server takes some pictures for the neutral face, from the next one on.
  const found = { one: await takes(page, 'one', 6) }
  const drawn = {}
  for (const name of options.shown.slice(1)) {
    // Someone who is beside the person all at once may be found first.
    found[name] = await show(page, name, 3)
    drawn[name] = await draws(page, self, name === 'open' ? options.opened : options.shut)
    await page.waitForFunction(state => window.likeness.face.state === state, options.states[name])
  }
  found.back = await show(page, 'open')
  drawn.back = await draws(page, self, options.opened)
  const picture = await shoot(page, options.name)

  step('revoke')
  await page.waitForFunction(() => window.likeness.mark.text.endsWith('tracking'))
  const revokedAt = wire.length
  await embody.dispatchEvent('click')
  await page.waitForFunction(() => !window.likeness.mark.text.endsWith('tracking'))
  const frames = await page.evaluate(() => window.likeness.packets.frames)
  await page.waitForFunction(from => window.likeness.packets.frames > from + 90, frames)
  const revoked = {
    wire: wire.slice(revokedAt),
    note: await page.locator('#face-note').textContent(),
    camera: await page.evaluate(() => window.camera.readyState),
  }

  step('unplug')
  let taken = await page.evaluate(() => window.noted.length)
  await embody.dispatchEvent('click')
  await page.waitForFunction(from => window.noted.length > from + 1, taken)
  await page.evaluate(() => {
    window.camera.stop()
    window.camera.dispatchEvent(new Event('ended'))
  })
  await page.waitForFunction(() => window.likeness.face.state === 'off')
  const unplugged = {
    words: await page.locator('#alert').textContent(),
    button: await page.locator('#embody span').textContent(),
    ...(await facts(page)),
  }
  // The voice goes on moving the character.
  await page.waitForFunction(() => window.likeness.mark.text.endsWith('idle'))
  await page.locator('#stage').focus()
  await page.keyboard.down('Space')
  await page.waitForFunction(() => window.likeness.mark.text.endsWith('voice'))
  await page.keyboard.up('Space')
  // The camera works again once it is plugged in.
  taken = await page.evaluate(() => window.noted.length)
  await embody.dispatchEvent('click')
  await page.waitForFunction(from => window.noted.length > from + 1, taken)
  await page.locator('#leave').dispatchEvent('click')

  step('tabs')
  // Somebody who blocks the camera, with two tabs open.
  const other = await browser.newContext({ viewport: options.viewport })
  const tabs = []
  for (let i = 0; i < 2; i++) {
    const tab = await other.newPage()
    tab.setDefaultTimeout(options.patience)
    tab.on('pageerror', error => problems.push(String(error)))
    await tab.goto(`${options.url}/?${new URLSearchParams({ quality: 'low', character: 'plain', ...QUERY })}`)
    await tab.waitForFunction(() => window.likeness !== undefined)
    await tab.locator('#begin').press('Enter')
    await live(tab, options.patience)
    tabs.push(tab)
  }
  await tabs[0].locator('#embody').dispatchEvent('click')
  await tabs[0].waitForFunction(() => window.likeness.error !== '')
  const refused = {
    error: await tabs[0].evaluate(() => window.likeness.error),
    words: await tabs[0].locator('#alert').textContent(),
    face: await tabs[0].evaluate(() => window.likeness.face.state),
    speech: (await say(tabs[0], 'I am still here.', options.patience)).map(each => each.phase),
  }
  const visits = await Promise.all(
    tabs.map(tab =>
      tab.evaluate(() => ({
        session: window.likeness.session,
        room: window.likeness.room,
        state: window.likeness.state,
        resumed: window.likeness.resumed,
      })),
    ),
  )
  step('end')
  console.log(
    JSON.stringify({
      before,
      again,
      kept,
      found,
      drawn,
      self,
      revoked,
      unplugged,
      refused,
      visits,
      picture,
      steps: steps.slice(0, -1).map(([name, at], i) => [name, (steps[i + 1][1] - at) / 1000]),
      problems,
    }),
  )
} catch (error) {
  await shoot(page, `${options.name}-failed`).catch(() => undefined)
  const state = await page
    .evaluate(() => {
      const { state, error, notices, face, mark } = window.likeness
      return { state, error, notices, mark, face: face.state, noted: window.noted.length }
    })
    .catch(() => null)
  console.error(JSON.stringify({ steps: steps.map(([name]) => name), state, problems }).slice(0, 2500))
  throw error
} finally {
  await browser.close()
}

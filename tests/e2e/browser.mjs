// What every scenario shares: Chromium with the right flags, the page, and what it says of itself.
// A scenario is run as `node scenario.mjs '<json options>'` and prints one line of JSON as its last.
import { createRequire } from 'node:module'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const require = createRequire(new URL('../../webxr_client/package.json', import.meta.url))
const { chromium } = require('playwright-core')

/** Options given by the test: url, executable, artifacts, and whatever the scenario needs. */
export const options = JSON.parse(process.argv[2])

/** Milliseconds that a wait may take. Generous: it bounds what hangs, and says nothing of a machine's speed. */
export const PATIENCE = options.patience ?? 90_000

const FLAGS = [
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
]

/** Opens the page; `problems` collects uncaught errors and what the content policy blocked. */
export async function openPage({ flags = [], query = {}, init = [] } = {}) {
  const browser = await chromium.launch({
    executablePath: options.executable,
    headless: true,
    timeout: 120_000,
    args: [...FLAGS, ...flags],
  })
  const context = await browser.newContext({ viewport: options.viewport ?? { width: 640, height: 400 } })
  await context.grantPermissions(['microphone'])
  context.setDefaultTimeout(PATIENCE)
  context.setDefaultNavigationTimeout(PATIENCE)
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', error => problems.push(String(error)))
  page.on('console', message => {
    const text = message.text()
    if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(text)) problems.push(text)
  })
  for (const script of init) await page.addInitScript(script)
  const search = new URLSearchParams({ character: 'einstein', quality: 'low', ...query })
  const opened = Date.now()
  await page.goto(`${options.url}/?${search}`, { waitUntil: 'load' })
  await page.waitForFunction(() => window.likeness !== undefined, undefined, { timeout: PATIENCE })
  return { browser, page, problems, opened }
}

/** Presses Begin and waits until the session is live and its character is in the picture. */
export async function begin(page) {
  // By keyboard, as it must work too; in a small window the button may be scrolled away.
  await page.locator('#begin').press('Enter')
  await live(page)
  await drawing(page)
}

/** Waits until the page has a live session. */
export async function live(page, timeout = PATIENCE) {
  await page.waitForFunction(() => window.likeness.state === 'live', undefined, { timeout })
}

/** Waits until the own character is drawn, with a frame of the session. */
export async function drawing(page) {
  const drawn = () => window.likeness.avatar.ready && window.likeness.lips().length > 5
  await page.waitForFunction(drawn, undefined, { timeout: PATIENCE })
}

/** Types a sentence, sends it, and waits until it was said; returns its SpeechStates. */
export async function say(page, text, timeout = Math.max(PATIENCE, 120_000)) {
  const before = await page.evaluate(() => window.likeness.speech.length)
  await page.locator('#text').fill(text)
  await page.locator('#text').press('Enter')
  await page.waitForFunction(
    from => window.likeness.speech.slice(from).some(s => /FINISHED|FAILED|STOPPED/.test(s.phase)),
    before,
    { timeout },
  )
  return await page.evaluate(from => window.likeness.speech.slice(from), before)
}

/** Everything the page says of itself now. */
export async function facts(page) {
  return await page.evaluate(async () => {
    const l = window.likeness
    // In a headset the mark is part of the world; the probe reads the screen's.
    const probe = l.xr.presenting ? null : await l.probeMark()
    // Of the same moment: the next question is awaited, and the mark may change meanwhile.
    const mark = l.mark
    const grid = [0.02, 0.2, 0.4, 0.6, 0.8, 0.98]
    const onTop = probe && grid.flatMap(x => grid.map(y => [probe.x + x * probe.width, probe.y + y * probe.height]))
    return {
      at: performance.now(),
      state: l.state,
      error: l.error,
      notices: l.notices,
      transport: l.transport,
      session: l.session,
      resumed: l.resumed,
      self: l.self,
      avatar: l.avatar,
      frames: l.frames,
      fps: l.fps,
      firstPicture: l.firstPicture,
      packets: l.packets,
      audioBytes: await l.audioBytes(),
      seals: l.seals,
      mark,
      probe,
      // Nothing of the page lies over the mark.
      markOnTop: onTop?.every(([x, y]) => document.elementFromPoint(x, y)?.id === 'stage') ?? null,
      xr: l.xr,
      clock: l.clock,
    }
  })
}

/** What was drawn and heard since the page opened: lip gaps, heard and drawn samples, loudness. */
export async function history(page) {
  return await page.evaluate(() => {
    const { lips, sync, levels } = window.likeness
    return { lips: lips(), sync: sync(), levels: levels() }
  })
}

/** A picture for people to look at. */
export async function shoot(page, name) {
  mkdirSync(options.artifacts, { recursive: true })
  const path = join(options.artifacts, `${name}.png`)
  await page.screenshot({ path })
  return path
}

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

/** Runs a scenario, prints its result, and closes the browser whatever happened. */
export async function scenario(run, settings) {
  const opened = await openPage(settings)
  try {
    const result = await run(opened)
    console.log(JSON.stringify({ ...result, problems: opened.problems }))
  } catch (error) {
    await shoot(opened.page, `${options.name ?? 'scenario'}-failed`).catch(() => undefined)
    const state = await opened.page
      .evaluate(() => ({ state: window.likeness?.state, error: window.likeness?.error, text: document.body.innerText.slice(0, 500) }))
      .catch(() => null)
    console.error(JSON.stringify({ state, problems: opened.problems }))
    throw error
  } finally {
    await opened.browser.close()
  }
}

// One room, three visitors: A, whose microphone hears a recording; B, who joins by the room's code and has no
// camera; and a headset that comes late and leaves early. They see and hear each other, A moderates and leaves.
import { begin, facts, openPage, options, pause, say, shoot } from './browser.mjs'

/** Pages that share a machine without graphics: each draws little, and talks as ever. */
const FEW = { pictures: '3' }

/** Waits for something in a page; says what it waited for, and what the page said instead. */
async function wait(what, page, condition, argument) {
  try {
    await page.waitForFunction(condition, argument, { polling: 50, timeout: options.patience })
  } catch (error) {
    const { company, attended, notices, states } = await page.evaluate(() => ({ ...window.likeness, attended: window.attended }))
    throw new Error(`${what}: ${error}; ${JSON.stringify({ company, attended, notices, states: states.slice(-3) })}`)
  }
}

/** Waits until `count` people are here, all of them in this page's picture. */
const meets = (page, count) =>
  wait(
    `${count} people who are drawn`,
    page,
    n =>
      window.likeness.people.people.length === n &&
      window.likeness.company.length === n &&
      window.likeness.company.every(each => Number.isFinite(each.drawn)),
    count,
  )

/** Starts to note how far everybody's drawn lips are apart on a page, how loud their voices are, and its alerts. */
async function attend(page) {
  await page.evaluate(() => {
    const seen = {}
    window.attended = seen
    setInterval(() => {
      for (const { id, lip, loudness, mouth, drawn } of window.likeness.company) {
        const each = (seen[id] ??= { least: Infinity, most: -Infinity, loudness: 0 })
        if (Number.isFinite(lip)) {
          each.least = Math.min(each.least, lip)
          each.most = Math.max(each.most, lip)
        }
        each.loudness = Math.max(each.loudness, loudness)
        each.mouth = mouth
        each.first ??= drawn
        each.last = drawn
      }
    }, 50)
    const alert = document.getElementById('alert')
    window.alerts = []
    new MutationObserver(() => window.alerts.push(alert.textContent)).observe(alert, {
      childList: true,
      characterData: true,
      subtree: true,
    })
  })
}

/**
 * Somebody speaks, again or further, until both pages have heard it and drawn their motion, and the first, which draws
 * more pictures, has seen their lips move by millimetres. Returns what both have seen and heard.
 */
async function speaks(who, [screen, headset], avatar, speak) {
  const pages = [screen, headset]
  // What they did before does not count.
  await Promise.all(pages.map(page => page.evaluate(id => delete window.attended[id], avatar)))
  const until = Date.now() + options.patience
  let seen
  do {
    await speak()
    seen = await Promise.all(pages.map(page => page.evaluate(id => window.attended[id], avatar)))
    const heard = seen.every(each => each?.loudness > 0.01 && each.last > each.first)
    if (heard && seen[0].most - seen[0].least > 0.002) return seen
  } while (Date.now() < until)
  throw new Error(`${who} was not seen and heard by both: ${JSON.stringify(seen)}`)
}

/** Gives an order from the list of people; returns what is read at once, and for as long as it holds. */
async function order(host, guest, avatar, act, code, standing) {
  const before = await guest.evaluate(() => window.likeness.notices.length)
  await host.locator(`#people-list [data-avatar="${avatar}"] [data-act="${act}"]`).dispatchEvent('click')
  await wait(
    `the guest reads ${code} after ${act}`,
    guest,
    ([from, wanted]) => window.likeness.notices.slice(from).some(each => each.code === wanted),
    [before, code],
  )
  const notice = await guest.evaluate(
    ([from, wanted]) => window.likeness.notices.slice(from).find(each => each.code === wanted).text,
    [before, code],
  )
  // The list of people follows within moments, on both sides.
  const reads = ([words, visible]) => {
    const chip = document.getElementById('standing')
    return chip.textContent === words && chip.checkVisibility() === visible
  }
  await wait(`the guest stands as ${standing.guest}`, guest, reads, [standing.guest, standing.guest !== ''])
  await wait(`the host reads ${standing.host}`, host, reads, [standing.host, standing.host !== ''])
  await wait(
    `the list says ${standing.list}`,
    host,
    ([id, words]) => {
      const line = document.querySelector(`#people-list [data-avatar="${id}"] .detail`)
      return ['muted', 'frozen', 'has the floor'].every(each => line.textContent.includes(each) === (each === words))
    },
    [avatar, standing.list],
  )
  return { notice, alerted: await guest.evaluate(words => window.alerts.includes(words), notice) }
}

const steps = []
const step = name => {
  steps.push([name, Date.now()])
  if (process.env.STEPS) console.error(new Date().toISOString(), name)
}
const opened = []
const pages = {}
try {
  step('A')
  const a = await openPage({
    flags: ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${options.recording}`],
    query: FEW,
  })
  opened.push(a)
  const host = (pages.host = a.page)
  host.setDefaultTimeout(options.patience)
  await begin(host)
  await wait('the code of the room', host, () => window.likeness.people.code !== '')
  const { code, room, hostId } = await host.evaluate(() => ({
    code: window.likeness.people.code,
    room: window.likeness.room,
    hostId: window.likeness.self,
  }))

  step('B')
  const b = await openPage({ query: { ...FEW, character: 'curie' } })
  opened.push(b)
  const guest = (pages.guest = b.page)
  guest.setDefaultTimeout(options.patience)
  await guest.locator('#code').fill(code.toUpperCase())
  await guest.locator('#name').fill('Ada')
  await begin(guest)
  const guestId = await guest.evaluate(() => window.likeness.self)
  await Promise.all([meets(host, 2), meets(guest, 2)])

  step('headset')
  const headset = await b.browser.newContext({ viewport: options.viewport })
  const worn = (pages.headset = await headset.newPage())
  worn.setDefaultTimeout(options.patience)
  worn.on('pageerror', error => a.problems.push(String(error)))
  const asked = new URLSearchParams({ quality: 'low', ...FEW, xr: 'iwer', character: 'plain', room })
  await worn.goto(`${options.url}/?${asked}`)
  await worn.waitForFunction(() => window.likeness !== undefined)
  await begin(worn)
  await Promise.all([host, guest, worn].map(page => meets(page, 3)))
  const companies = await Promise.all([host, guest, worn].map(page => page.evaluate(() => window.likeness.company)))

  step('enter')
  await worn.locator('#vr').dispatchEvent('click')
  await wait('frames in the headset', worn, () => window.likeness.xr.frames > 3)
  const entered = await facts(worn)

  step('spoken')
  await Promise.all([host, guest, worn].map(attend))
  // A holds the key and speaks into the microphone, for as long as it takes.
  await host.locator('#stage').focus()
  await host.keyboard.down('Space')
  const spoken = await speaks('A', [guest, worn], hostId, () => pause(200))
  await host.keyboard.up('Space')
  await wait('A drives nothing more', guest, () => window.likeness.mark.text.includes('Einstein - driven by: idle'))

  step('no camera')
  await guest.locator('#embody').dispatchEvent('click')
  await wait('an error without a camera', guest, () => window.likeness.error !== '')
  const noCamera = await guest.evaluate(() => ({
    error: window.likeness.error,
    alerts: window.alerts,
    face: window.likeness.face.state,
  }))

  step('typed')
  const said = []
  const typed = await speaks('B', [host, worn], guestId, async () =>
    said.push(...(await say(guest, options.sentence, options.patience))),
  )
  const inside = await facts(worn)
  const pictures = [await shoot(worn, `${options.name}-headset`), await shoot(host, `${options.name}-host`)]

  step('headset leaves')
  await worn.locator('#leave').dispatchEvent('click')
  await Promise.all([meets(host, 2), meets(guest, 2)])
  await headset.close()
  delete pages.headset

  step('orders')
  await host.locator('#people').dispatchEvent('click')
  const orders = {}
  for (const [act, notice, standing] of options.orders) orders[act] = await order(host, guest, guestId, act, notice, standing)
  pictures.push(await shoot(guest, `${options.name}-guest`))

  step('leave')
  await host.locator('#leave').dispatchEvent('click')
  await wait('the guest moderates', guest, () => window.likeness.notices.some(each => each.code === 'moderator'))
  await meets(guest, 1)
  const alone = await guest.evaluate(() => ({ people: window.likeness.people.people, state: window.likeness.state }))
  step('end')
  console.log(
    JSON.stringify({
      companies,
      entered,
      inside,
      spoken,
      typed,
      said,
      noCamera,
      orders,
      alone,
      steps: steps.slice(0, -1).map(([name, at], i) => [name, (steps[i + 1][1] - at) / 1000]),
      pictures,
      problems: opened.flatMap(each => each.problems),
    }),
  )
} catch (error) {
  for (const [name, page] of Object.entries(pages)) {
    await shoot(page, `${options.name}-failed-${name}`).catch(() => undefined)
    const state = await page
      .evaluate(() => ({ state: window.likeness.state, error: window.likeness.error, people: window.likeness.people }))
      .catch(() => null)
    console.error(JSON.stringify({ name, state }).slice(0, 900))
  }
  console.error(JSON.stringify([steps.map(([name]) => name), opened.flatMap(each => each.problems)]).slice(0, 900))
  throw error
} finally {
  for (const { browser } of opened.reverse()) await browser.close()
}

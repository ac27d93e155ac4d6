// Opens the page as a newcomer does and reports when the first picture of the character was there; then cuts the
// connection and reports when the page was live again.
import { facts, live, openPage, options } from './browser.mjs'

const times = []
for (let i = 0; i < options.visits; i++) {
  const { browser, page, problems, opened } = await openPage({ query: { begin: '1', ...options.query } })
  try {
    await page.waitForFunction(() => window.likeness.firstPicture > 0, undefined, { timeout: 30_000 })
    const { firstPicture, state } = await facts(page)
    const wallMs = Date.now() - opened
    await page.evaluate(() => window.likeness.cut())
    await page.waitForFunction(() => window.likeness.resumed > 0)
    await live(page)
    const resumeMs = await page.evaluate(() => {
      const { states } = window.likeness
      return states.findLast(each => each.state === 'live').time - states.find(each => each.state === 'lost').time
    })
    times.push({ pageMs: firstPicture, wallMs, resumeMs, state, problems })
  } finally {
    await browser.close()
  }
}
console.log(JSON.stringify({ times, problems: times.flatMap(t => t.problems) }))

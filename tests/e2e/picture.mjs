// Opens the page as a newcomer does and reports when the first picture of the character was there.
import { facts, openPage, options } from './browser.mjs'

const times = []
for (let i = 0; i < options.visits; i++) {
  const { browser, page, problems, opened } = await openPage({ query: { begin: '1', ...options.query } })
  try {
    await page.waitForFunction(() => window.likeness.firstPicture > 0, undefined, { timeout: 30_000 })
    const { firstPicture, state } = await facts(page)
    times.push({ pageMs: firstPicture, wallMs: Date.now() - opened, state, problems })
  } finally {
    await browser.close()
  }
}
console.log(JSON.stringify({ times, problems: times.flatMap(t => t.problems) }))

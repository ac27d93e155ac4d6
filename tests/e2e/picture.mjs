// Opens the page as a newcomer does and reports when the first picture of the character was there.
import { facts, openPage, options } from './browser.mjs'

const times = []
for (let i = 0; i < options.visits; i++) {
  const { browser, page, problems, opened } = await openPage({ query: options.query })
  try {
    await page.waitForFunction(() => window.likeness.firstPictureMs !== null, undefined, { timeout: 30_000 })
    const { firstPictureMs } = await facts(page)
    times.push({ pageMs: firstPictureMs, wallMs: Date.now() - opened, problems })
  } finally {
    await browser.close()
  }
}
console.log(JSON.stringify({ times, problems: times.flatMap(t => t.problems) }))

// Looks into the mirror of the mirror scene: the own character is there, and its mark.
import { begin, facts, options, scenario, shoot } from './browser.mjs'

await scenario(
  async ({ page }) => {
    await begin(page)
    await page.waitForFunction(() => window.likeness.reflectedMark !== null, undefined, { timeout: 60_000 })
    const view = await page.evaluate(() => window.likeness.view)
    const seen = await facts(page)
    const mark = await page.evaluate(() => {
      // The controls lie over the lower part of the picture; here the picture is the matter.
      for (const id of ['live', 'top']) document.getElementById(id).style.visibility = 'hidden'
      return window.likeness.reflectedMark
    })
    return { view, seen, mark, picture: await shoot(page, options.name) }
  },
  { query: { scene: 'mirror', ...options.query } },
)

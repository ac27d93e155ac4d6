// Stays away until the server has given up the session, and reports what the page did when the network was back.
import { begin, drawing, facts, live, options, pause, scenario } from './browser.mjs'

await scenario(
  async ({ page }) => {
    await begin(page)
    const before = await facts(page)
    await page.context().setOffline(true)
    await page.evaluate(() => window.likeness.cut())
    await pause(options.seconds * 1000)
    await page.context().setOffline(false)
    await page.waitForFunction(
      session => window.likeness.state === 'live' && window.likeness.session !== session,
      before.session,
    )
    const words = await page.locator('#alert').textContent()
    await live(page)
    await drawing(page)
    return { before, after: await facts(page), words }
  },
  { query: options.query },
)

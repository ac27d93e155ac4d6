// Cuts the connection for a while, closes and reopens the tab, and reports how the session returned.
import { begin, facts, live, options, pause, say, scenario } from './browser.mjs'

await scenario(
  async ({ page, browser }) => {
    await begin(page)
    const before = await facts(page)
    const cut = []
    for (const seconds of options.cuts) {
      // The whole network goes: no new connection works either until it is back.
      await page.context().setOffline(true)
      await page.evaluate(() => window.likeness.cut())
      await pause(seconds * 1000)
      const lost = await facts(page)
      await page.context().setOffline(false)
      const back = Date.now()
      await live(page, 90_000)
      cut.push({ seconds, lost: lost.state, backMs: Date.now() - back, after: await facts(page) })
    }
    const speech = await say(page, 'I am back.')
    const context = page.context()
    const address = page.url()
    await page.close()
    await pause(options.closed * 1000)
    const again = await context.newPage()
    await again.goto(address)
    await again.waitForFunction(() => window.likeness !== undefined)
    const reopened = Date.now()
    // The person's place is kept: the page returns there with Begin.
    await again.locator('#begin').press('Enter')
    await live(again, 90_000)
    const returned = { backMs: Date.now() - reopened, after: await facts(again) }
    return { before, cut, speech, returned }
  },
  { query: options.query },
)

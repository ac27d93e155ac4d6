// Enters VR on an emulated Quest 3 and reports the frames that an immersive session presented.
import { begin, facts, options, pause, say, scenario, shoot } from './browser.mjs'

await scenario(
  async ({ page }) => {
    await begin(page)
    await page.locator('#vr').press('Enter')
    await page.waitForFunction(() => window.likeness.xr.frames > 10, undefined, { timeout: 90_000 })
    const entered = await facts(page)
    // In the headset a sentence comes from elsewhere; the page's own field still works on a desktop.
    const speech = await say(page, options.sentences[0])
    await pause(300)
    const picture = await shoot(page, `${options.name}-in-vr`)
    const inside = await facts(page)
    return { entered, inside, speech, pictures: [picture] }
  },
  { query: { xr: 'iwer', ...options.query } },
)

// Enters VR on an emulated Quest 3 and reports the frames that an immersive session presented.
import { readFileSync } from 'node:fs'
import { begin, facts, options, pause, say, scenario, shoot } from './browser.mjs'

const iwer = readFileSync(new URL('../../webxr_client/node_modules/iwer/build/iwer.min.js', import.meta.url), 'utf8')
const headset = `${iwer}
{
  const device = new IWER.XRDevice(IWER.metaQuest3)
  device.installRuntime()
  device.position.set(0, 1.6, 0)
  window.headset = device
}`

await scenario(
  async ({ page }) => {
    await begin(page)
    await page.locator('#enter-vr').click()
    await page.waitForFunction(() => window.likeness.xrFramesDrawn > 10, undefined, { timeout: 20_000 })
    const entered = await facts(page)
    const speech = await say(page, options.sentences[0]).catch(error => String(error))
    await pause(300)
    const picture = await shoot(page, `${options.name}-in-vr`)
    const inside = await facts(page)
    await page.evaluate(() => window.headset.activeSession?.end?.())
    await pause(500)
    return { entered, inside, after: await facts(page), speech, pictures: [picture] }
  },
  { query: options.query, init: [headset] },
)

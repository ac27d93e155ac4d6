// Holds the microphone's key while Chromium's fake microphone plays a recording.
import { begin, facts, history, options, pause, scenario, shoot } from './browser.mjs'

await scenario(
  async ({ page }) => {
    await begin(page)
    // Small windows fold the note with this box away; it works all the same.
    if (options.hearSelf) await page.locator('#hear').dispatchEvent('click')
    const before = await facts(page)
    // Space held anywhere but in a text is the button held.
    await page.locator('#stage').focus()
    await page.keyboard.down('Space')
    await pause(options.seconds * 1000)
    const picture = await shoot(page, `${options.name}-speaking`)
    const during = await facts(page)
    await page.keyboard.up('Space')
    await pause(1500)
    return { before, during, after: await facts(page), history: await history(page), pictures: [picture] }
  },
  {
    query: options.query,
    flags: [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${options.recording}%noloop`,
    ],
  },
)

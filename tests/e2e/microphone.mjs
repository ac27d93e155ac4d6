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
    const pressed = Date.now()
    const drawn = await page.evaluate(() => window.likeness.lips().length)
    await pause(options.seconds * 1000)
    // A slow machine draws few pictures a second: it may take the time for enough of them.
    await page.waitForFunction(from => window.likeness.lips().length > from + 40, drawn, { timeout: 150_000 })
    const seconds = (Date.now() - pressed) / 1000
    const picture = await shoot(page, `${options.name}-speaking`)
    const during = await facts(page)
    await page.keyboard.up('Space')
    await pause(1500)
    return { before, during, seconds, after: await facts(page), history: await history(page), pictures: [picture] }
  },
  {
    query: options.query,
    flags: [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${options.recording}`,
    ],
  },
)

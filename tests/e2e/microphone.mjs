// Holds the microphone button while Chromium's fake microphone plays a recording.
import { begin, facts, history, options, pause, scenario, shoot } from './browser.mjs'

await scenario(
  async ({ page }) => {
    await begin(page)
    if (options.hearSelf) await page.locator('#hear-self').check({ force: true })
    const before = await facts(page)
    const button = page.locator('#microphone')
    await button.dispatchEvent('pointerdown', { pointerId: 1, button: 0, isPrimary: true })
    await pause(options.seconds * 1000)
    const picture = await shoot(page, `${options.name}-speaking`)
    const during = await facts(page)
    await button.dispatchEvent('pointerup', { pointerId: 1, button: 0, isPrimary: true })
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

// Begin, say sentences, and report what was heard, drawn and verified.
import { begin, facts, history, options, pause, say, scenario, shoot } from './browser.mjs'

await scenario(
  async ({ page }) => {
    const choosing = await shoot(page, `${options.name}-choosing`)
    const started = Date.now()
    await begin(page)
    const liveMs = Date.now() - started
    const before = await facts(page)
    const idle = await shoot(page, `${options.name}-idle`)
    const speaking = say(page, options.sentences[0])
    await page.waitForFunction(() => window.likeness.speech.some(s => s.phase === 'STARTED'), undefined, { timeout: 90_000 })
    await pause(800)
    const during = await facts(page)
    const talking = await shoot(page, `${options.name}-talking`)
    const speech = [await speaking]
    for (const sentence of options.sentences.slice(1)) speech.push(await say(page, sentence))
    await pause(500)
    return {
      liveMs,
      before,
      during,
      after: await facts(page),
      speech,
      history: await history(page),
      pictures: [choosing, idle, talking],
    }
  },
  { query: options.query, flags: options.flags },
)

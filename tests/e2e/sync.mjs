// Speaks for a while and reports every drawn frame beside what was heard.
import { begin, facts, history, options, say, scenario } from './browser.mjs'

await scenario(
  async ({ page }) => {
    await begin(page)
    const speech = []
    const started = Date.now()
    for (let i = 0; Date.now() - started < options.seconds * 1000; i++) {
      speech.push(await say(page, options.sentences[i % options.sentences.length]))
    }
    return { facts: await facts(page), speech, history: await history(page) }
  },
  { query: options.query },
)

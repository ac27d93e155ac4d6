// What a picture costs the page: draw calls, triangles and its own time, for one avatar and for many.
import { begin, options, scenario } from './browser.mjs'

await scenario(
  async ({ page }) => {
    await begin(page)
    const costs = []
    for (const [count, pictures] of options.counts) {
      costs.push(await page.evaluate(([n, p]) => window.likeness.benchRender(n, p), [count, pictures]))
    }
    return { costs }
  },
  { query: options.query },
)

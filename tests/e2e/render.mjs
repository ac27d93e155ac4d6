// What a picture costs the page: draw calls, triangles and its own time, for one avatar and for many.
import { live, options, scenario } from './browser.mjs'

// Full quality without a GPU: the first picture alone may take a minute.
const PATIENCE_MS = 240_000

await scenario(
  async ({ page }) => {
    page.setDefaultTimeout(PATIENCE_MS)
    await page.locator('#begin').press('Enter')
    await live(page, PATIENCE_MS)
    await page.waitForFunction(() => window.likeness.firstPicture > 0, undefined, { timeout: PATIENCE_MS })
    // The light model comes first; what is measured is the finest that the quality draws.
    const fine = options.query.quality === 'low' || (() => !window.likeness.company[0]?.url.includes('.lod1.'))
    if (fine !== true) await page.waitForFunction(fine, undefined, { timeout: PATIENCE_MS })
    const costs = []
    for (const [count, pictures] of options.counts) {
      costs.push(await page.evaluate(([n, p]) => window.likeness.benchRender(n, p), [count, pictures]))
    }
    return { costs }
  },
  { query: options.query },
)

// What a filmed face does, from the camera of one page to the mesh in another.
import { options } from './browser.mjs'

/** Chromium's fake camera shows a film, round and round. */
export const filmed = film => [
  '--use-fake-device-for-media-stream',
  `--use-file-for-fake-video-capture=${film}`,
]

/**
 * For a page before it loads: notes the number that each picture of the film carries in its lower left corner, as
 * the page takes it for its tracker. The page's own work is left as it is.
 */
export function noteNumbers() {
  const BITS = 10
  const noted = []
  Object.defineProperty(window, 'noted', { value: noted })
  const take = window.createImageBitmap.bind(window)
  const paint = new OffscreenCanvas(BITS, 1).getContext('2d', { willReadFrequently: true })
  window.createImageBitmap = async (source, ...rest) => {
    const picture = await take(source, ...rest)
    if (source instanceof HTMLVideoElement) {
      const side = picture.height / 20
      paint.drawImage(picture, 0, picture.height - side, BITS * side, side, 0, 0, BITS, 1)
      const { data } = paint.getImageData(0, 0, BITS, 1)
      let number = 0
      for (let bit = 0; bit < BITS; bit++) if (data[4 * bit] > 128) number |= 1 << bit
      noted.push({ at: performance.now(), number })
    }
    return picture
  }
}

/** Starts to note what `page` draws of an avatar, picture by picture; read it with `drawnBy`. */
export async function watch(page, avatar) {
  await page.waitForFunction(id => Number.isFinite(window.likeness.lipOpening(id)), avatar)
  await page.evaluate(id => {
    const drawn = []
    window.drawn = drawn
    const look = () => {
      const { brow, yaw } = window.likeness.measure(id) ?? { brow: Number.NaN, yaw: Number.NaN }
      const lip = window.likeness.lipOpening(id)
      if (Number.isFinite(lip)) drawn.push({ time: performance.timeOrigin + performance.now(), lip, brow, yaw })
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }, avatar)
}

export const drawnBy = page => page.evaluate(() => window.drawn)

/** Waits for the calm beginning of the film and lets the page take its neutral face there. */
export async function takeNeutral(page, calm) {
  await page.waitForFunction(() => window.likeness.face.state === 'following')
  await page.waitForFunction(last => window.noted.at(-1)?.number < last, 0.4 * calm, { polling: 30 })
  await page.locator('#neutral').dispatchEvent('click')
  await page.waitForFunction(() => window.likeness.face.state === 'following')
}

/** Waits until the tracker has taken `least` pictures, from now on, of each span of the film. */
export async function track(page, spans, least) {
  await page.waitForFunction(
    ([from, wanted, count]) => {
      const numbers = window.noted.slice(from).map(each => each.number)
      return wanted.every(([first, last]) => numbers.filter(n => n >= first && n <= last).length >= count)
    },
    [await page.evaluate(() => window.noted.length), spans, least],
    { polling: 250, timeout: options.patience },
  )
}

/** Each picture that the tracker took: when (ms of the machine's clock), its number, and what was found in it. */
export async function tracked(page) {
  return await page.evaluate(() => {
    const noted = window.noted
    let k = 0
    return window.likeness.face.tracked.map(({ captured, sent, trackingMs, mouth, height }) => {
      while (k < noted.length && noted[k].at < sent - trackingMs) k++
      const number = noted[k]?.at <= sent ? noted[k].number : null
      return { captured: performance.timeOrigin + captured, trackingMs, mouth, height, picture: number }
    })
  })
}

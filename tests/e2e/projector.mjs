// Shows a page's fake camera one face after another, each for as long as the test wants: Chromium reads its film
// while it plays it, so that what is written into the file is what the camera sees next.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { options, pause } from './browser.mjs'
import { tracked } from './film.mjs'

/** Shows a picture of `options.shown` and waits until the page has tracked `least` of it; returns what it found. */
export async function show(page, name, least = 2) {
  const film = openSync(options.film, 'r+')
  writeSync(film, readFileSync(`${options.pictures}/${name}.y4m`))
  closeSync(film)
  return await takes(page, name, least)
}

/**
 * Waits until the page has tracked `least` more pictures of a name, from now on, over `span` ms at least; returns
 * what it found in them.
 */
export async function takes(page, name, least, span = 0) {
  const since = await page.evaluate(() => performance.timeOrigin + performance.now())
  const number = options.shown.indexOf(name)
  const until = Date.now() + options.patience
  while (Date.now() < until) {
    const found = (await tracked(page)).filter(each => each.captured > since && each.picture === number)
    if (found.length >= least && found.at(-1).captured - found[0].captured >= span) return found
    await pause(100)
  }
  throw new Error(`the page did not track ${least} pictures of ${name}`)
}

/**
 * Waits until the mesh of `avatar` has fitted `wanted` (bounds of lip and brow in metres and of yaw in rad, the brow
 * from that of `calm`) in three of the pictures from now on; returns its measures in the last of them. They
 * need not follow each other: a page that is sent nothing for a while, from a machine that is held up, rests.
 */
export async function draws(page, avatar, wanted, calm = { brow: 0 }) {
  await page.evaluate(() => (window.fitting = []))
  try {
    const handle = await page.waitForFunction(
      ([id, bounds, from]) => {
        const { fitting } = window
        const { frames } = window.likeness
        const mesh = window.likeness.measure(id)
        if (!mesh || fitting.at(-1)?.frames === frames) return false
        const shape = { lip: window.likeness.lipOpening(id), brow: mesh.brow - from.brow, yaw: mesh.yaw }
        window.shape = shape
        if (!Object.entries(bounds).every(([key, [low, high]]) => shape[key] > low && shape[key] < high)) return false
        fitting.push({ ...shape, frames })
        return fitting.length >= 3 ? fitting.at(-1) : false
      },
      [avatar, wanted, calm],
      { polling: 30, timeout: options.patience },
    )
    return await handle.jsonValue()
  } catch (error) {
    const { shape, fitting } = await page.evaluate(() => ({ shape: window.shape, fitting: window.fitting }))
    throw new Error(`of ${JSON.stringify(wanted)}: last ${JSON.stringify(shape)}, fitting ${fitting.length}; ${error}`)
  }
}

/** The median shape of the mesh of `avatar` in the next `count` pictures. */
export async function settles(page, avatar, count = 9) {
  await page.evaluate(() => (window.settled = []))
  const handle = await page.waitForFunction(
    ([id, most]) => {
      const { settled } = window
      const { frames } = window.likeness
      const mesh = window.likeness.measure(id)
      if (!mesh || settled.at(-1)?.frames === frames) return false
      settled.push({ lip: window.likeness.lipOpening(id), brow: mesh.brow, yaw: mesh.yaw, frames })
      return settled.length >= most ? settled : false
    },
    [avatar, count],
    { polling: 30, timeout: options.patience },
  )
  const seen = await handle.jsonValue()
  const median = key => seen.map(each => each[key]).sort((x, y) => x - y)[seen.length >> 1]
  return { lip: median('lip'), brow: median('brow'), yaw: median('yaw'), frames: seen.at(-1).frames }
}

// Browser A is filmed by its (fake) camera; browser B, in the same room, draws A's avatar. A's connection is cut
// meanwhile. What is measured is the mesh that B draws.
import { begin, facts, live, openPage, options, shoot } from './browser.mjs'
import { filmed, noteNumbers } from './film.mjs'
import { draws, settles, show, takes } from './projector.mjs'

const QUERY = { pictures: '5', transport: 'ws' }

const steps = []
const step = name => {
  steps.push([name, Date.now()])
  if (process.env.STEPS) console.error(new Date().toISOString(), name)
}
const opened = []
try {
  step('A')
  const filming = await openPage({ flags: filmed(options.film), init: [noteNumbers], query: QUERY })
  opened.push(filming)
  const { page: a } = filming
  a.setDefaultTimeout(options.patience)
  await a.context().grantPermissions(['camera', 'microphone'])
  await begin(a)
  const { room, avatar } = await a.evaluate(() => ({ room: window.likeness.room, avatar: window.likeness.self }))

  step('B')
  const watching = await openPage({ query: { ...QUERY, character: 'plain', room } })
  opened.push(watching)
  const { page: b } = watching
  b.setDefaultTimeout(options.patience)
  await begin(b)
  await b.waitForFunction(id => Number.isFinite(window.likeness.lipOpening(id)), avatar)

  step('neutral')
  await a.locator('#embody').dispatchEvent('click')
  await a.waitForFunction(() => window.likeness.face.state === 'following')
  await a.locator('#neutral').dispatchEvent('click')
  // The server takes a second, and some pictures at least, for the neutral face.
  await takes(a, 'calm', 8, 2000)
  await b.waitForFunction(() => window.likeness.mark.text.includes('Albert Einstein - driven by: tracking'))
  const drawn = { calm: await settles(b, avatar) }
  const mark = await b.evaluate(() => window.likeness.mark.text)

  /** Shows a face to A's camera until B's mesh fits it; returns the mesh's measures. */
  const follows = async name => {
    await show(a, name)
    return await draws(b, avatar, options.wanted[name], drawn.calm)
  }
  step('mouth')
  drawn.mouth = await follows('mouth')

  step('cut')
  const before = await facts(a)
  await a.evaluate(() => window.likeness.cut())
  await a.waitForFunction(times => window.likeness.resumed > times, before.resumed)
  await live(a)
  const after = await facts(a)

  // The camera goes on, without another word.
  const pictures = []
  for (const name of ['calm', 'brow', 'left', 'right', 'mouth']) {
    step(`${name} again`)
    drawn[`${name} again`] = await follows(name)
    if (name === 'left' || name === 'mouth') pictures.push(await shoot(b, `${options.name}-${name}`))
  }
  pictures.push(await shoot(a, `${options.name}-filmed`))
  step('end')
  console.log(
    JSON.stringify({
      before,
      after,
      avatar,
      mark,
      drawn,
      steps: steps.slice(0, -1).map(([name, at], i) => [name, (steps[i + 1][1] - at) / 1000]),
      pictures,
      problems: opened.flatMap(each => each.problems),
    }),
  )
} catch (error) {
  for (const [i, { page, problems }] of opened.entries()) {
    await shoot(page, `${options.name}-failed-${'AB'[i]}`).catch(() => undefined)
    const said = await page
      .evaluate(() => {
        const { state, error, notices, face, mark, states } = window.likeness
        return { state, error, notices, mark, face: face.state, states: states.slice(-4) }
      })
      .catch(() => null)
    console.error(JSON.stringify({ said, problems }).slice(0, 1000))
  }
  console.error(JSON.stringify(steps.map(([name]) => name)))
  throw error
} finally {
  for (const { browser } of opened.reverse()) await browser.close()
}

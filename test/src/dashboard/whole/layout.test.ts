import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, sceneOptions } from '../scene.ts'
import { Stage, skip } from '../stage.ts'
import { fill, placesOf, plainWords, type Words } from './places.ts'

// How far what one reads moves away by itself, as browsers measure it: 0.1 is what is called good.

const shiftMax = 0.1
const watchedMs = 5000
/** So many pages at a time. */
const togetherMax = 4

/** Of a function that nobody of the scene knows. */
const words: Words = { ...plainWords, function: 'pay.out' }

/** Its observer has all shifts since the beginning: what has moved by how much, and where it was. */
const observe = `
  window.shifts = []
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, startTime, sources } of list.getEntries()) {
      if (hadRecentInput) continue
      const nodes = sources.map(({ node, previousRect: from, currentRect: to }) =>
        (node?.className || node?.nodeName) + ' ' + Math.round(from.x) + ',' + Math.round(from.y) + ' to ' + Math.round(to.x) + ',' + Math.round(to.y))
      window.shifts.push({ value, text: Math.round(startTime) + ' ms: ' + value.toFixed(3) + ' ' + nodes.join('; ') })
    }
  }).observe({ type: 'layout-shift', buffered: true })`

for (const width of [1280, 400]) {
  test(`nothing jumps while a page is loaded, ${width} wide`, { skip }, async () => {
    await using stage = await Stage.open({
      ...sceneOptions,
      handlePrefix: 'H:all',
      functions: { '*': { attempts: 1, 'keep-results': '1h' }, 'video.transcode': { paused: true } },
      store: 'memory',
    })
    const handles = await fill(stage, words)
    const end = await play(stage)
    try {
      // What comes to the list of findings later would rightly move what is below it.
      const overview = await stage.page()
      for (const title of ['and no worker', 'is paused', 'attempts failed']) {
        await overview.getByText(title).first().waitFor()
      }
      await overview.context().close()
      const places = placesOf(handles, words)
      const found: string[][] = []
      for (let from = 0; from < places.length; from += togetherMax) {
        const some = places.slice(from, from + togetherMax)
        found.push(...(await Promise.all(some.map(({ name, path }) => shiftsOf(stage, name, path, width)))))
      }
      assert.deepEqual(found.flat(), [])
    } finally {
      end()
      stage.forgiveFaults(/404 \(Not Found\)/)
    }
  })
}

/** None if they are few and small. */
async function shiftsOf(stage: Stage, name: string, path: string, width: number): Promise<string[]> {
  const page = await stage.page('', { width, height: 860 })
  await page.addInitScript(observe)
  await page.goto(`${stage.origin}/${path}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.evaluate(`new Promise((resolve) => setTimeout(resolve, ${watchedMs} - performance.now()))`)
  // As the script above writes them.
  const shifts = (await page.evaluate('window.shifts')) as { value: number; text: string }[]
  await page.context().close()
  const total = shifts.reduce((sum, { value }) => sum + value, 0)
  return total < shiftMax ? [] : [`${name}: ${total.toFixed(3)}`, ...shifts.map(({ text }) => text)]
}

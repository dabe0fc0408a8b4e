import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, sceneOptions } from '../scene.ts'
import { Stage, skip } from '../stage.ts'
import { fill, placesOf, placesOptions, plainWords, settled, type Words } from './places.ts'

// How far what one reads moves away by itself, as browsers measure it: 0.1 is what is called good.

const shiftMax = 0.1
const watchedMs = 5000

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
  test(`nothing jumps while a page is loaded, ${width} wide`, { skip, todo: true }, async () => {
    await using stage = await Stage.open({ ...sceneOptions, ...placesOptions })
    const handles = await fill(stage, words)
    const end = await play(stage)
    const found = await Promise.all(
      placesOf(handles, words).map(async (place) => {
        const page = await stage.page('', { width, height: 860 })
        await page.addInitScript(observe)
        await page.goto(`${stage.origin}/${place.path}`)
        await settled(page, place)
        await page.evaluate(`new Promise((resolve) => setTimeout(resolve, ${watchedMs} - performance.now()))`)
        const shifts = (await page.evaluate('window.shifts')) as { value: number; text: string }[]
        await page.context().close()
        const total = shifts.reduce((sum, { value }) => sum + value, 0)
        return total < shiftMax ? [] : [`${place.name}: ${total.toFixed(3)}`, ...shifts.map(({ text }) => text)]
      }),
    )
    end()
    assert.deepEqual(found.flat(), [])
    stage.forgiveFaults(/404 \(Not Found\)/)
  })
}

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rules, tokenOf } from '../access/parts.ts'
import { JobsStage, rows, scopeOf } from './jobs-stage.ts'
import { Stage, skip } from './stage.ts'

// What the page of jobs does to many of them, and who may.

describe('many jobs', { skip }, () => {
  let jobs: JobsStage
  before(async () => {
    jobs = await JobsStage.open()
  })
  after(() => jobs[Symbol.asyncDispose]())

  it('changes those that are selected, by keys, and says why some were refused', async () => {
    for (let i = 0; i < 3; i++) await jobs.stage.client.submitBackground('picked', '', { unique: `s-${i}` })
    const page = await jobs.stage.page('jobs?q=function:picked')
    await rows(page).nth(2).waitFor()
    for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key)
    await scopeOf(page, '2 selected')
    // One of them ends meanwhile, and stays selected.
    const { handle } = await jobs.first('function=picked')
    await jobs.change({ action: 'cancel', handles: [handle] })
    await rows(page).first().getByText('moved on').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await scopeOf(page, '3 selected')
    await page.getByRole('button', { name: 'Cancel …' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel 3 jobs?' })
    await dialog.getByRole('button', { name: 'Cancel 3 jobs' }).click()
    await page.getByText('Cancelled: 2 jobs; 1 refused:').waitFor()
    const refused = page.getByRole('listitem').filter({ hasText: `there is no job ${handle}` })
    await refused.getByRole('link', { name: handle }).waitFor()
    await page.getByText('No job is like that').waitFor()
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await page.getByText('Cancelled: 2 jobs').waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('changes all that match, with their number first', async () => {
    const { client } = jobs.stage
    for (let i = 0; i < 60; i++) await client.submitBackground('many', '')
    for (let i = 0; i < 2; i++) await client.submitBackground('many.later', '', { delayMs: 3_600_000 })
    const page = await jobs.stage.page('jobs?q=function:many+state:ready')
    const ask = async (action: string, jobs: string) => {
      await page.getByRole('button', { name: `${action} …` }).click()
      const dialog = page.getByRole('dialog', { name: `${action} ${jobs}?` })
      await dialog.waitFor()
      return dialog
    }
    await scopeOf(page, 'All 60 that match')
    const no = await ask('Cancel', '60 jobs')
    await no.getByText('All that match function:many state:ready, and not only those that are shown.').waitFor()
    await page.keyboard.press('Escape')
    await no.waitFor({ state: 'detached' })
    assert.equal(await jobs.total('function=many'), 60)

    const line = await ask('Reprioritise', '60 jobs')
    await line.getByLabel('Priority').selectOption('low')
    await line.getByRole('button', { name: 'Reprioritise 60 jobs' }).click()
    await page.getByText('Reprioritised: 60 jobs.').waitFor()
    assert.equal(await jobs.total('function=many&priority=low'), 60)

    await (await ask('Cancel', '60 jobs')).getByRole('button', { name: 'Cancel 60 jobs' }).click()
    await page.getByText('Cancelled: 60 jobs.').waitFor()
    assert.equal(await jobs.total('function=many'), 0)
    await page.getByText('No job is like that').waitFor()

    await page.goto(`${jobs.stage.origin}/jobs?q=function:many.later`)
    await (await ask('Run now', '2 jobs')).getByRole('button', { name: 'Run now 2 jobs' }).click()
    await page.getByText('Ready now: 2 jobs.').waitFor()
    await page.getByRole('link', { name: 'Show them' }).click()
    await page.waitForURL(/q=function%3Amany.later\+state%3Aready/)
    await rows(page).nth(1).waitFor()
    assert.equal(await jobs.total('function=many.later&state=ready'), 2)
    await page.context().close()
  })

  it('retries and deletes what is dead, and deletes what is kept', async () => {
    const page = await jobs.stage.page('jobs?q=state:dead+function:broken')
    const kept = rows(page).first()
    await kept.waitFor()
    assert.equal(await page.getByRole('button', { name: 'Cancel …' }).count(), 0)
    const { handle } = await jobs.first('state=dead&order=newest')
    await kept.getByRole('checkbox').click()
    await page.getByRole('button', { name: 'Retry …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 1 job' }).click()
    await page.getByText('Retried: 1 job.').waitFor()
    await page.getByRole('button', { name: 'Delete …' }).waitFor()
    // It fails again.
    await jobs.settled('state=dead', 3)
    assert.equal((await jobs.job(handle)).state, 'dead')
    await page.getByRole('button', { name: 'Delete …' }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete \d jobs?$/ })
      .click()
    await page.getByText(/^Deleted: \d jobs?\.$/).waitFor()
    await page.goto(`${jobs.stage.origin}/jobs?q=state:complete`)
    await page.getByRole('button', { name: 'Delete …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete 2 jobs' }).click()
    await page.getByText('Deleted: 2 jobs.').waitFor()
    assert.equal(await jobs.total('state=complete'), 0)
    await page.context().close()
  })
})

describe('the page of jobs of who may not do everything', { skip }, () => {
  it('shows what they may do, and no more', async () => {
    await using guarded = await Stage.open({ access: rules })
    for (const name of ['mail.send', 'mail.digest', 'other']) {
      const headers = { authorization: 'Bearer token-of-all' }
      const answer = await fetch(`${guarded.origin}/api/functions/${name}/jobs`, { method: 'POST', headers })
      assert.equal(answer.status, 202)
    }
    const viewer = await guarded.page('jobs', { token: tokenOf('view') })
    await rows(viewer).nth(1).waitFor()
    assert.equal(await rows(viewer).count(), 2)
    assert.equal(await viewer.getByRole('checkbox').count(), 0)
    assert.equal(await viewer.getByRole('group', { name: 'Change jobs' }).count(), 0)

    const operator = await guarded.page('jobs', { token: tokenOf('operate') })
    await operator.getByText('Filter by one function to change all of its jobs, or select some.').waitFor()
    assert.equal(await operator.getByRole('button', { name: 'Cancel …' }).count(), 0)
    await operator.getByRole('combobox', { name: 'Filter' }).fill('function:mail.*')
    await operator.keyboard.press('Enter')
    await operator.getByRole('button', { name: 'Cancel …' }).click()
    await operator.getByRole('dialog').getByRole('button', { name: 'Cancel 2 jobs' }).click()
    await operator.getByText('Cancelled: 2 jobs.').waitFor()

    const admin = await guarded.page('jobs', { token: 'token-of-all' })
    await rows(admin).filter({ hasText: 'other' }).waitFor()
    await scopeOf(admin, 'The one that matches')
    await admin.getByRole('button', { name: 'Cancel …' }).waitFor()
  })
})

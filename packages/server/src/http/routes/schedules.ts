import { z } from 'zod'
import { nameOfText } from '../names.ts'
import { type Route, route } from '../route.ts'
import { count, functionName, priority } from '../schemas.ts'
import { time } from '../shapes.ts'

const text = z.string()
const runsMax = 100
const scheduleName = text.min(1).max(512).transform(nameOfText).meta({ description: 'Name of a schedule' })
const params = z.object({ name: scheduleName })
const payload = z
  .union([z.strictObject({ text }), z.strictObject({ base64: text })])
  .meta({ description: 'As text where it is UTF-8, else in base64' })

const timing = {
  cron: text.exactOptional().meta({ description: 'Five fields, or six with seconds first' }),
  every: text.exactOptional().meta({ description: 'A time such as 90s, from 1s to 366d' }),
  at: text.exactOptional().meta({ description: 'A date such as 2027-01-31T03:00:00Z' }),
  timezone: text.exactOptional().meta({ description: 'IANA name; default UTC' }),
}
const options = {
  priority: priority.exactOptional(),
  ...timing,
  missed: z
    .enum(['skip', 'once', 'all'])
    .exactOptional()
    .meta({ description: 'What becomes of times at which no server was running; default skip' }),
  overlap: z.boolean().exactOptional().meta({ description: 'Also if the last job has not ended; default true' }),
}

const definition = z
  .strictObject({
    function: functionName,
    workload: payload.exactOptional(),
    unique: text.transform(nameOfText).exactOptional().meta({ description: 'Of its jobs' }),
    then: functionName.exactOptional().meta({ description: 'Function that the results are sent on to' }),
    paused: z.boolean().exactOptional().meta({ description: 'Submits nothing until it is resumed' }),
    ...options,
  })
  .meta({ description: 'With exactly one of cron, every and at' })

const schedule = z.object({
  name: text,
  function: text,
  workload: payload.optional(),
  unique: text.optional(),
  then: text.optional(),
  ...options,
  paused: z.boolean(),
  origin: z
    .enum(['config', 'runtime', 'client'])
    .meta({ description: 'One of the configuration file can be paused and run, and changed only there' }),
  next: z.array(time).meta({ description: 'The next times, soonest first; none if it is paused or over' }),
  history: z
    .array(
      z.object({
        dueAt: time,
        at: time,
        outcome: z.enum(['submitted', 'skipped: still running', 'skipped: missed', 'refused']),
        handle: text.optional(),
        why: text.optional(),
      }),
    )
    .meta({ description: 'Its runs, the latest first' }),
})
const answers = { 200: { description: 'The schedule', content: schedule } }

const listSchedules = route({
  method: 'GET',
  path: '/api/schedules',
  id: 'listSchedules',
  tag: 'Schedules',
  summary: 'All schedules, each with its next time and the last of its runs',
  access: ['view'],
  query: z.strictObject({ function: functionName.exactOptional() }),
  answers: {
    200: { description: 'Without their workloads', content: z.object({ schedules: z.array(schedule) }) },
  },
  async handle({ actor, query }, { perform }) {
    return { status: 200, json: await perform('schedules', query, actor) }
  },
})

const getSchedule = route({
  method: 'GET',
  path: '/api/schedules/{name}',
  id: 'getSchedule',
  tag: 'Schedules',
  summary: 'One schedule, with its next times and its runs',
  access: ['view'],
  params,
  query: z.strictObject({
    runs: count(0, runsMax).meta({ description: 'So many next times; default 5' }).exactOptional(),
  }),
  answers,
  problems: ['NOT_FOUND'],
  async handle({ actor, params: { name }, query }, { perform }) {
    return { status: 200, json: await perform('schedule show', { name, ...query }, actor) }
  },
})

const putSchedule = route({
  method: 'PUT',
  path: '/api/schedules/{name}',
  id: 'putSchedule',
  tag: 'Schedules',
  summary: 'A new schedule, or another one in the place of the one of that name',
  access: ['operate'],
  params,
  body: definition,
  answers,
  problems: ['CONFLICT', 'STORE_FAILED', 'CROSS_SITE', 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'],
  async handle({ actor, params: { name }, body }, { perform }) {
    return { status: 200, json: await perform('schedule put', { name, ...body }, actor) }
  },
})

const removeSchedule = route({
  method: 'DELETE',
  path: '/api/schedules/{name}',
  id: 'removeSchedule',
  tag: 'Schedules',
  summary: 'Remove a schedule; jobs that it has submitted stay',
  access: ['operate'],
  params,
  answers: { 204: { description: 'It is removed' } },
  problems: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED', 'CROSS_SITE'],
  async handle({ actor, params: { name } }, { perform }) {
    await perform('schedule remove', { name }, actor)
    return { status: 204 }
  },
})

function switchRoute(word: 'pause' | 'resume', summary: string): Route {
  return route({
    method: 'POST',
    path: `/api/schedules/{name}/${word}`,
    id: `${word}Schedule`,
    tag: 'Schedules',
    summary,
    access: ['operate'],
    params,
    answers,
    problems: ['NOT_FOUND', 'STORE_FAILED', 'CROSS_SITE'],
    async handle({ actor, params: { name } }, { perform }) {
      return { status: 200, json: await perform(`schedule ${word}`, { name }, actor) }
    },
  })
}

const runSchedule = route({
  method: 'POST',
  path: '/api/schedules/{name}/run',
  id: 'runSchedule',
  tag: 'Schedules',
  summary: 'Submit a job of a schedule now, beside its times',
  access: ['operate'],
  params,
  answers: { 200: { description: 'The job', content: z.object({ handle: text }) } },
  problems: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED', 'CROSS_SITE'],
  async handle({ actor, params: { name } }, { perform }) {
    return { status: 200, json: await perform('schedule run', { name }, actor) }
  },
})

const previewSchedule = route({
  method: 'POST',
  path: '/api/schedules/preview',
  id: 'previewSchedule',
  tag: 'Schedules',
  summary: 'When a schedule would come, from now on',
  access: ['view'],
  body: z
    .strictObject({
      ...timing,
      runs: z.int().min(1).max(runsMax).meta({ description: 'So many times; default 5' }).exactOptional(),
    })
    .meta({ description: 'Exactly one of cron, every and at' }),
  answers: { 200: { description: 'The next times', content: z.object({ next: z.array(time) }) } },
  problems: ['CROSS_SITE', 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'],
  async handle({ actor, body }, { perform }) {
    return { status: 200, json: await perform('schedule preview', body, actor) }
  },
})

/** Jobs at times. */
export const scheduleRoutes: readonly Route[] = [
  listSchedules,
  previewSchedule,
  getSchedule,
  putSchedule,
  removeSchedule,
  switchRoute('pause', 'Stop a schedule from submitting jobs at its times'),
  switchRoute('resume', 'Let a schedule go on, from now on'),
  runSchedule,
]

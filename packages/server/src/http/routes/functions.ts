import type { FunctionPolicy } from '@geartrain/protocol'
import { z } from 'zod'
import type { Actor } from '../../access/actor.ts'
import { type AnyPolicySetting, policyKeys, policySettings } from '../../policies/policy-settings.ts'
import type { HttpContext } from '../context.ts'
import { type Route, route } from '../route.ts'
import { flag, functionName } from '../schemas.ts'
import * as shapes from '../shapes.ts'

const params = z.object({
  name: functionName.meta({ description: 'A function, known or not, or a pattern such as mail.*' }),
})
const policy = { 200: { description: 'The policy', content: shapes.functionPolicy } }
const changing = ['STORE_FAILED', 'CROSS_SITE', 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'] as const

const listFunctions = route({
  method: 'GET',
  path: '/api/functions',
  id: 'listFunctions',
  tag: 'Functions',
  summary: 'All functions, with their counts',
  access: ['view'],
  answers: {
    200: { description: 'The functions', content: z.object({ functions: z.array(shapes.functionState) }) },
  },
  problems: ['STORE_FAILED'],
  async handle({ actor }, { perform }) {
    return { status: 200, json: await perform('functions', {}, actor) }
  },
})

const listPolicies = route({
  method: 'GET',
  path: '/api/policies',
  id: 'listPolicies',
  tag: 'Functions',
  summary: 'The functions and patterns that something is set for, and all that can be set',
  access: ['view'],
  answers: {
    200: {
      description: 'What is set, and what can be',
      content: z.object({
        policies: z.array(z.object({ name: z.string() })),
        settings: z.array(
          z.object({
            key: z.string(),
            range: z.string().meta({ description: 'What it can be' }),
            default: z.string(),
            help: z.string(),
          }),
        ),
      }),
    },
  },
  async handle({ actor }, { perform }) {
    return { status: 200, json: { ...(await perform('policies', {}, actor)), settings: settingRows } }
  },
})

const settingRows = policyKeys.map((key) => {
  const { type, defaultText, help }: AnyPolicySetting = policySettings[key]
  return { key, range: type.range, default: defaultText, help }
})

const getFunction = route({
  method: 'GET',
  path: '/api/functions/{name}',
  id: 'getFunction',
  tag: 'Functions',
  summary: 'One function: its counts, and every setting of its policy with where it comes from',
  access: ['view'],
  params,
  answers: {
    200: {
      description: 'The function',
      content: shapes.functionPolicy.extend({
        state: shapes.functionState
          .nullable()
          .meta({ description: 'null: nobody has used it yet, or it is a pattern' }),
      }),
    },
  },
  problems: ['STORE_FAILED'],
  async handle({ actor, params: { name } }, { perform }) {
    const shown = await perform('function show', { name }, actor)
    const { functions } = await perform('functions', { names: [name] }, actor)
    return { status: 200, json: { ...shown, state: functions[0] ?? null } }
  },
})

const setting = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])

const changePolicy = route({
  method: 'PATCH',
  path: '/api/functions/{name}',
  id: 'changePolicy',
  tag: 'Functions',
  summary: 'Change settings of a function or pattern: all of them, or none if one is wrong',
  description:
    'Values are as in the configuration file. `null` takes back what was set at runtime. `paused` and `draining` alone take the role `operate`, all else takes `admin`.',
  access: ['operate', 'admin'],
  params,
  query: z.strictObject({
    'dry-run': flag.exactOptional().meta({ description: 'Nothing changes; the answer is the policy as it would be' }),
  }),
  body: z.strictObject({
    values: z.record(z.string(), setting.nullable()).meta({ description: 'Values by setting: `{ "attempts": 5 }`' }),
  }),
  answers: policy,
  problems: changing,
  async handle({ actor, params: { name }, query, body }, { perform }) {
    const values = Object.fromEntries(
      Object.entries(body.values).map(([key, value]) => [key, value === null ? null : String(value)]),
    )
    const dryRun = query['dry-run'] ?? false
    return { status: 200, json: await perform('function set', { name, values, dryRun }, actor) }
  },
})

function switchRoute(word: string, summary: string, key: 'paused' | 'draining', isOn: boolean): Route {
  return route({
    method: 'POST',
    path: `/api/functions/{name}/${word}`,
    id: `${word}Function`,
    tag: 'Functions',
    summary,
    access: ['operate'],
    params,
    answers: policy,
    problems: changing,
    async handle({ actor, params: { name } }, context) {
      return { status: 200, json: await switchFunction(context, actor, name, key, isOn) }
    },
  })
}

/** What was set is taken back, so that a pattern counts again; only if that one has it on, it is set against it. */
async function switchFunction(
  { perform }: HttpContext,
  actor: Actor,
  name: string,
  key: 'paused' | 'draining',
  isOn: boolean,
): Promise<FunctionPolicy> {
  const set = (value: string | null) => perform('function set', { name, values: { [key]: value } }, actor)
  if (isOn) return await set('true')
  const without = await set(null)
  const isStillOn = without.settings.some((each) => each.key === key && each.value === 'true')
  return isStillOn ? await set('false') : without
}

const purgeFunction = route({
  method: 'POST',
  path: '/api/functions/{name}/purge',
  id: 'purgeFunction',
  tag: 'Functions',
  summary: 'End all jobs of a function, or of all that a pattern fits, that wait',
  description:
    'Those that run go on, and those that are submitted from now on stay. In a cluster, all servers end what waits of it; of one that can not be asked the problem `CONFLICT` says so, and how many have ended elsewhere.',
  access: ['operate'],
  params,
  answers: { 200: { description: 'How many', content: z.object({ purged: z.int() }) } },
  problems: ['CONFLICT', 'STORE_FAILED', 'CROSS_SITE'],
  async handle({ actor, params: { name } }, { perform }) {
    return { status: 200, json: await perform('function purge', { name }, actor) }
  },
})

/** Functions and their policies. */
export const functionRoutes: readonly Route[] = [
  listFunctions,
  listPolicies,
  getFunction,
  changePolicy,
  switchRoute('pause', 'Give no jobs of a function to workers', 'paused', true),
  switchRoute('resume', 'Give jobs of a paused function to workers again', 'paused', false),
  switchRoute('drain', 'Take no jobs of a function from clients', 'draining', true),
  switchRoute('undrain', 'Take jobs of a draining function from clients again', 'draining', false),
  purgeFunction,
]

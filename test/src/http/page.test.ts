import { test } from 'node:test'
import { problems } from '@geartrain/server'
import { checkPart } from '../support/page-tables.ts'
import { type ApiOperation, type ApiParameter, startApi } from './api.ts'

test('docs/http-api.md has every problem', () => {
  const rows = Object.entries(problems).map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`)
  checkPart('docs/http-api.md', 'problems', ['| code | status | what it is |', '|---|---|---|', ...rows])
})

test('docs/http-api.md has every operation', async () => {
  await using api = await startApi()
  const tags = new Map<string, string[]>()
  for (const [path, methods] of Object.entries(api.document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag = ''] = operation.tags
      tags.set(tag, [...(tags.get(tag) ?? []), ...section(`${method.toUpperCase()} ${path}`, operation)])
    }
  }
  const lines = [...tags].flatMap(([tag, sections]) => [`## ${tag}`, '', ...sections])
  checkPart('docs/http-api.md', 'operations', lines.slice(0, -1))
})

function section(title: string, { summary, description, parameters, requestBody, responses }: ApiOperation): string[] {
  const body = Object.keys(requestBody?.content ?? {})
  const rows = [...parameters.filter(isNews).map(parameterRow), ...members(requestBody).map(parameterRow)]
  return [
    `### \`${title}\``,
    '',
    `${summary}.`,
    '',
    ...description.split('\n'),
    '',
    ...(rows.length === 0 ? [] : ['| parameter | in | what it is |', '|---|---|---|', ...rows, '']),
    ...(body.length === 0 ? [] : [`Body: ${body.map((type) => `\`${type}\``).join(' or ')}`, '']),
    '| status | answer |',
    '|---|---|',
    ...Object.entries(responses)
      .filter(([, answer]) => !isOfAll(answer.description))
      .map(([status, answer]) => `| ${status} | ${cell(answer.description)}${fields(answer)} |`),
    '',
  ]
}

/** What every operation can answer stands in the table of problems alone. */
function isOfAll(description: string): boolean {
  const codes = Array.from(description.matchAll(/`([A-Z_]+)`: /g), ([, code = '']) => code)
  return codes.length > 0 && codes.every((code) => ofAll.has(code))
}

const ofAll = new Set(['BAD_REQUEST', 'UNAUTHORIZED', 'ACCESS_DENIED', 'INTERNAL_ERROR', 'SHUTTING_DOWN'])

type Row = Pick<ApiParameter, 'name' | 'required' | 'description' | 'schema'> & { readonly in: string }

function parameterRow({ name, in: place, required, description = '', schema }: Row): string {
  const words = [description, values(schema)].filter((text) => text !== '')
  return `| \`${name}\`${required ? '' : ', optional'} | ${place} | ${cell(words.join('; '))} |`
}

/** Those of a body of JSON, as rows. */
function members(body: ApiOperation['requestBody']): Row[] {
  const { properties = {}, required = [] } = (body?.content['application/json']?.schema ?? {}) as {
    properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'body',
    required: required.includes(name),
    ...(typeof description === 'string' ? { description } : {}),
    schema,
  }))
}

/** The same in another place is said in the description. */
function isNews({ description = '' }: ApiParameter): boolean {
  return !/^As `.*` in the query$/.test(description)
}

function values({ enum: words }: ApiParameter['schema']): string {
  if (!Array.isArray(words)) return ''
  return words.flatMap((word) => (word === '' ? [] : [`\`${String(word)}\``])).join(', ')
}

/** The names of an answer's members: what they are, the document says in full. */
function fields(body: ApiOperation['responses'][string]): string {
  const schema = body?.content?.['application/json']?.schema
  const properties = schema?.['properties']
  if (typeof properties !== 'object' || properties === null) return ''
  return `: ${Object.keys(properties)
    .map((name) => `\`${name}\``)
    .join(', ')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

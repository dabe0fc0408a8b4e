import { z } from 'zod'
import { version } from '../version.ts'
import { type ProblemCode, problems } from './problem.ts'
import type { AnswerRow, Content, Route } from './route.ts'

type Json = Readonly<Record<string, unknown>>

/** The API as OpenAPI 3.1, made of the table that routes and validates. */
export function openApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const row of routes) {
    paths[row.path] ??= {}
    Object.assign(paths[row.path] ?? {}, { [row.method.toLowerCase()]: operation(row) })
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Geartrain',
      version,
      summary: 'Jobs and administration over HTTP',
      description: about,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Needed only where the server has rules of access' },
        session: { type: 'apiKey', in: 'cookie', name: 'geartrain', description: 'What `POST /api/session` sets' },
      },
      schemas: { Problem: problemSchema },
    },
  }
}

const about = `Times are milliseconds since 1970, payloads \`{ "text" }\` or \`{ "base64" }\`. A failure is a problem document (RFC 9457) whose \`code\` stays.`

/** Those that any operation can have. */
const commonProblems: readonly ProblemCode[] = [
  'BAD_REQUEST',
  'UNAUTHORIZED',
  'ACCESS_DENIED',
  'CROSS_SITE',
  'INTERNAL_ERROR',
  'SHUTTING_DOWN',
]

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(problems) },
    detail: { type: 'string', description: 'What happened, why, and what to do' },
  },
}

function operation(row: Route): Json {
  const { id, tag, summary, description, access, params, query, headers, body, answers } = row
  const needed =
    access === 'everyone' ? 'Needs no role.' : `Needs the role ${access.map((role) => `\`${role}\``).join(' or ')}.`
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: description === undefined ? needed : `${description}\n\n${needed}`,
    parameters: [...parameters('path', params), ...parameters('query', query), ...parameters('header', headers)],
    ...(body === undefined ? {} : { requestBody: { content: contentOf(body, 'input') } }),
    responses: { ...answersOf(answers), ...problemsOf(row) },
    ...(access === 'everyone' ? { security: [] } : {}),
    'x-roles': access,
  }
}

function parameters(place: 'path' | 'query' | 'header', schema: z.ZodType | undefined): Json[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }))
}

function answersOf(answers: Route['answers']): Record<string, Json> {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)]))
}

function answerOf({ description, content, orContent, headers }: AnswerRow): Json {
  return {
    description,
    ...(headers === undefined ? {} : { headers: headersOf(headers) }),
    ...(content === undefined ? {} : { content: { ...contentOf(content, 'output'), ...otherOf(orContent) } }),
  }
}

function otherOf(content: Content | undefined): Json {
  return content === undefined ? {} : contentOf(content, 'output')
}

function headersOf(headers: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  )
}

/** One answer for each status, which may stand for several codes. */
function problemsOf({ problems: own = [], answers }: Route): Record<string, Json> {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of new Set([...commonProblems, ...own])) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => answers[status] === undefined)
      .map(([status, codes]) => [
        String(status),
        {
          description: codes.map((code) => `\`${code}\`: ${problems[code].title}`).join('. '),
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      ]),
  )
}

function contentOf(content: Content, io: 'input' | 'output'): Json {
  if ('bytes' in content) return { [content.bytes]: {} }
  return { 'application/json': { schema: schemaOf(content, io) } }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return json
}

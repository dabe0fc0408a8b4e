// Where pages are. Each lies one segment deep, and what it shows is in its query: names can be anything, and proxies
// change what is in a path.

export const pages = {
  overview: '/',
  functions: '/functions',
  function: '/function',
  jobs: '/jobs',
  job: '/job',
  workers: '/workers',
  schedules: '/schedules',
  schedule: '/schedule',
  failures: '/failures',
  servers: '/servers',
} as const

export function functionLink(name: string): string {
  return link(pages.function, { name })
}

export function jobLink(handle: string): string {
  return link(pages.job, { handle })
}

export function scheduleLink(name: string): string {
  return link(pages.schedule, { name })
}

/** `filter` in the language of the page of jobs. */
export function jobsLink(filter: string): string {
  return link(pages.jobs, { q: filter })
}

export function workersLink(filter: string): string {
  return link(pages.workers, { q: filter })
}

export function failuresLink(functionName: string): string {
  return link(pages.failures, { function: functionName })
}

/** The functions of a server among others. */
export function serversLink(address: string): string {
  return link(pages.servers, { server: address })
}

function link(page: string, query: Readonly<Record<string, string>>): string {
  return `${page}?${new URLSearchParams(query)}`
}

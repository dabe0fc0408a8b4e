import { type Policy, plainPolicy, priorities } from '@geartrain/engine'

/** `attempts=3 retryOn=failed,lost maxQueue=1,2,3 priority=high then=g paused=true`; what is not said is as it was. */
export function parsePolicy(words: readonly string[], previous: Policy = plainPolicy): Policy {
  return { ...previous, ...Object.fromEntries(words.map(parseWord)) }
}

function parseWord(word: string): [string, unknown] {
  const [name = '', value = ''] = word.split('=')
  if (!(name in plainPolicy)) throw new Error(`no policy has ${name}`)
  return [name, parseValue(name, value)]
}

function parseValue(name: string, value: string): unknown {
  switch (name) {
    case 'retryOn': {
      const isOn = (reason: string): boolean => value.split(',').includes(reason)
      return { failed: isOn('failed'), exception: isOn('exception'), timeout: isOn('timeout'), lost: isOn('lost') }
    }
    case 'maxQueue':
      return value.split(',').map(Number)
    case 'priority':
      return value === 'high' ? priorities.high : value === 'low' ? priorities.low : priorities.normal
    case 'groupSeparator':
    case 'then':
      return value
    case 'paused':
    case 'draining':
    case 'retryForeground':
      return value === 'true'
    case 'attempts':
      return value === '' ? undefined : Number(value)
    default:
      return Number(value)
  }
}

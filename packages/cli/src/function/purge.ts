import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { confirm } from '../confirm.ts'
import { controlAll } from '../control.ts'
import { count } from '../numbers.ts'
import { print } from '../output.ts'
import { hintAtPattern } from '../pattern-hint.ts'
import { showText } from '../table.ts'

/** True if all servers have answered. */
export async function purgeFunction(command: Command, name: string): Promise<boolean> {
  const { servers, isJson } = readAskFlags(command)
  await confirm(command, async () => {
    const { answers } = await controlAll(command, (control) => control('functions', { names: [name] }))
    let waiting = 0
    for (const { ready, delayed } of answers.flatMap(({ value }) => value.functions)) {
      waiting += ready.high + ready.normal + ready.low + delayed
    }
    return `End ${count(waiting, 'job')} of ${showText(name)}?`
  })
  const { answers, areAll } = await controlAll(command, (control) => control('function purge', { name }))
  if (isJson)
    print(JSON.stringify(answers.map(({ server, value: { purged } }) => ({ function: name, purged, server }))))
  else
    for (const { server, value } of answers) {
      print(`${count(value.purged, 'job')} of ${showText(name)} ended${servers.length > 1 ? ` on ${server}` : ''}`)
    }
  hintAtPattern(
    command,
    name,
    answers.reduce((sum, { value }) => sum + value.purged, 0),
  )
  return areAll
}

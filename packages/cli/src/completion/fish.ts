import type { Flag, Level } from './tree.ts'

/** A line of `complete` for each command, flag and choice. */
export function fishCompletion(levels: readonly Level[]): string {
  const paths = levels.slice(1).map(({ path }) => quote(path))
  return `# geartrain completion fish

function __geartrain_at
    set -l at ''
    for word in (commandline -opc)[2..]
        switch "$at $word"
            case ${paths.join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end

complete -c geartrain -e
complete -c geartrain -f
${levels.flatMap(linesOf).join('\n')}
`
}

function linesOf({ path, commands, flags, choices, takesFile }: Level): string[] {
  const start = `complete -c geartrain -n ${quote(`__geartrain_at ${quote(path)}`)}`
  return [
    ...commands.map(({ name, description }) => `${start} -a ${name} -d ${quote(description)}`),
    ...choices.map((choice) => `${start} -a ${choice}`),
    ...flags.map((flag) => `${start} ${flagWords(flag)} -d ${quote(flag.description)}`),
    ...(takesFile ? [`${start} -F`] : []),
  ]
}

function flagWords({ short, long, value }: Flag): string {
  const words = []
  if (short !== undefined) words.push(`-s ${short.slice(1)}`)
  if (long !== undefined) words.push(`-l ${long.slice(2)}`)
  if (value === 'file') words.push('-r -F')
  else if (value === 'other') words.push('-x')
  else if (value !== 'none') words.push(`-x -a ${quote(value.join(' '))}`)
  return words.join(' ')
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

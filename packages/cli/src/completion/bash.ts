import { type Level, namesOf } from './tree.ts'

/** A function for `complete -F`. Also for the bash 3.2 of macOS, but for the names of files. */
export function bashCompletion(levels: readonly Level[]): string {
  return `# geartrain completion bash

_geartrain() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at= i words= flags=
  # bash cuts --flag=value into three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = && COMP_CWORD -gt 1 ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${patterns(levels.slice(1).map(({ path }) => path))}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at $before" in
${levels.flatMap(valueCases).join('\n')}
  esac
  case "$at" in
${levels.map(levelCase).join('\n')}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  fi
}
complete -F _geartrain geartrain
`
}

const files = 'compopt -o default 2>/dev/null'

function valueCases({ path, flags }: Level): string[] {
  return flags
    .filter(({ value }) => value !== 'none')
    .map((flag) => {
      const then =
        flag.value === 'file'
          ? `${files}; return`
          : typeof flag.value === 'string'
            ? 'return'
            : `COMPREPLY=($(compgen -W '${flag.value.join(' ')}' -- "$word")); return`
      return `    ${patterns(namesOf(flag).map((name) => `${path} ${name}`))}) ${then} ;;`
    })
}

function levelCase({ path, commands, flags, choices, takesFile }: Level): string {
  const words = [...commands.map(({ name }) => name), ...choices].join(' ')
  const steps = [`words='${words}'`, `flags='${flags.flatMap(namesOf).join(' ')}'`, ...(takesFile ? [files] : [])]
  return `    '${path}') ${steps.join('; ')} ;;`
}

function patterns(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' | ')
}

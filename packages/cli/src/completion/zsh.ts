import { type Flag, type Level, namesOf } from './tree.ts'

/** A function for `compdef`; the file may also lie in \$fpath as _geartrain. */
export function zshCompletion(levels: readonly Level[]): string {
  return `#compdef geartrain
# geartrain completion zsh

_geartrain() {
  local at= before=\${words[CURRENT - 1]} word
  local -a commands flags
  for word in "\${(@)words[2,CURRENT - 1]}"; do
    case "$at $word" in
      ${patterns(levels.slice(1).map(({ path }) => path))}) at="$at $word" ;;
    esac
  done
  if [[ $PREFIX == --*=* ]]; then
    before=\${PREFIX%%=*}
    compset -P '*='
  fi
  case "$at $before" in
${levels.flatMap(valueCases).join('\n')}
  esac
  case "$at" in
${levels.map(levelCase).join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o flag flags
  elif ((\${#commands})); then
    _describe command commands
  fi
}

if [[ \${funcstack[1]} == _geartrain ]]; then
  _geartrain "$@"
else
  compdef _geartrain geartrain
fi
`
}

function valueCases({ path, flags }: Level): string[] {
  return flags
    .filter(({ value }) => value !== 'none')
    .map((flag) => `    ${patterns(namesOf(flag).map((name) => `${path} ${name}`))}) ${offer(flag)}return ;;`)
}

function offer({ value }: Flag): string {
  if (value === 'file') return '_files; '
  return typeof value === 'string' ? '' : `compadd -- ${value.join(' ')}; `
}

function levelCase({ path, commands, flags, choices, takesFile }: Level): string {
  const lines = [
    `commands=(${[...commands.map(described), ...choices.map(quote)].join(' ')})`,
    `flags=(${flags.flatMap((flag) => namesOf(flag).map((name) => described({ ...flag, name }))).join(' ')})`,
    ...(takesFile ? ['[[ $PREFIX == -* ]] || _files'] : []),
  ]
  return `    '${path}')\n${lines.map((line) => `      ${line}`).join('\n')}\n      ;;`
}

function described({ name, description }: { readonly name: string; readonly description: string }): string {
  return quote(`${name.replaceAll(':', '\\:')}:${description}`)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function patterns(words: readonly string[]): string {
  return words.map(quote).join(' | ')
}

/** As one word for a shell. */
export function shellWord(word: string): string {
  // zsh has a meaning for = at the beginning.
  return /^(?!=)[\w.:@%+,/=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/**
 * A function's name in a command to be copied. NAME stands for one that can't be: a terminal takes control characters for
 * keys, whatever quotes are around them, and a command takes what begins with a dash for an option.
 */
export function nameWord(name: string): string {
  return name.startsWith('-') || /\p{C}/u.test(name) ? 'NAME' : shellWord(name)
}

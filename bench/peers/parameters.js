/**
 * The `name=NUMBER` words of a command line.
 *
 * @param {readonly string[]} words
 * @returns {Record<string, number>}
 */
export function parseParameters(words) {
  return Object.fromEntries(
    words.map((word) => {
      const [name, value] = word.split('=')
      return [name, Number(value)]
    }),
  )
}

/** The candidate that a user most likely meant by `word`; undefined if none is near. Case, - and _ count for nothing. */
export function nearest<Candidate extends string>(
  word: string,
  candidates: readonly Candidate[],
): Candidate | undefined {
  const plainWord = plain(word)
  let best: Candidate | undefined
  // A third of the letters may be wrong; in a short word one.
  let bestDistance = Math.max(1, Math.floor(plainWord.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(plainWord, plain(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, '')
}

/** Letters to insert, delete, replace, or swap with their neighbour to make one word of the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = current
  }
  return last[to.length] ?? 0
}

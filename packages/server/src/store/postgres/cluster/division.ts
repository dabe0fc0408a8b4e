/** What a server has of a limit, and what it could use of it. */
export interface Part {
  readonly serverId: number
  readonly has: number
  readonly wanted: number
}

/**
 * The fair part of each, in the order of `parts`: nobody has more than it wants, and who wants more than it has does not
 * have less than any other. What is left over in whole numbers goes to one after the other, each in its turn: a limit of
 * 1 that several want goes round. Not more than the limit altogether.
 */
export function fairParts(limit: number, parts: readonly Part[], turn: number, isWhole: boolean): number[] {
  const order = [...parts.keys()].sort(
    (a, b) => wantedAt(parts, a) - wantedAt(parts, b) || idAt(parts, a) - idAt(parts, b),
  )
  const fair = parts.map(() => 0)
  let left = limit
  for (const [index, at] of order.entries()) {
    const others = order.length - index
    const wanted = wantedAt(parts, at)
    if (wanted * others > left) {
      shareOut(fair, order.slice(index), left, parts, turn, isWhole)
      break
    }
    fair[at] = wanted
    left -= wanted
  }
  return fair
}

/** Among those who want more than there is for each. */
function shareOut(
  fair: number[],
  among: readonly number[],
  left: number,
  parts: readonly Part[],
  turn: number,
  isWhole: boolean,
): void {
  const each = isWhole ? Math.floor(left / among.length) : left / among.length
  const rest = isWhole ? left - each * among.length : 0
  const byId = [...among].sort((a, b) => idAt(parts, a) - idAt(parts, b))
  for (const [index, at] of byId.entries()) {
    const place = (index + turn) % byId.length
    fair[at] = each + (place < rest ? 1 : 0)
  }
}

/**
 * What `serverId` is to have of the limit next, by what all have and want now. It takes no more than what is free, and
 * gives back no more than what others lack. When all of them do so one after the other, they come to the fair parts.
 */
export function nextPart(
  limit: number,
  parts: readonly Part[],
  serverId: number,
  turn: number,
  isWhole: boolean,
): number {
  const fair = fairParts(limit, parts, turn, isWhole)
  let free = limit
  let lacking = 0
  let has = 0
  let fairOwn = 0
  for (const [at, part] of parts.entries()) {
    free -= part.has
    const own = fair[at] ?? 0
    if (part.serverId === serverId) {
      has = part.has
      fairOwn = own
    } else lacking += Math.max(0, own - part.has)
  }
  const needed = lacking - free
  // Fractions do not add up exactly.
  const grain = isWhole ? 0 : limit * 1e-9
  if (has > fairOwn + grain && needed > grain) return Math.max(fairOwn, has - needed)
  if (has < fairOwn - grain && free > grain) return has + Math.min(fairOwn - has, free)
  return has
}

function wantedAt(parts: readonly Part[], at: number): number {
  return parts[at]?.wanted ?? 0
}

function idAt(parts: readonly Part[], at: number): number {
  return parts[at]?.serverId ?? 0
}

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const exactClockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' })

/** What stands at the lines of a time axis, whose places are in seconds since 1970: the time of day, or the day where one begins. */
export function timeLabels(splits: readonly number[]): string[] {
  const stepS = (splits[1] ?? 0) - (splits[0] ?? 0)
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000)
    const isMidnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0
    if (isMidnight || stepS >= 86_400) return dayFormat.format(date)
    return (splits.length > 1 && stepS < 60 ? exactClockFormat : clockFormat).format(date)
  })
}

const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1 job`, `2 jobs`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `17 B`, `1.5 MiB`. */
export function showBytes(bytes: number): string {
  let value = bytes
  let unit = 'B'
  for (const next of units) {
    if (value < 1024) break
    value /= 1024
    unit = next
  }
  return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`
}

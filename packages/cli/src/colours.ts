const hasColours = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''

/** For stdout: nothing is painted where it is no terminal. */
const paint = (code: string) => (text: string) => (hasColours ? `\x1b[${code}m${text}\x1b[0m` : text)

export const bold: (text: string) => string = paint('1')
export const dim: (text: string) => string = paint('2')
export const red: (text: string) => string = paint('31')
export const green: (text: string) => string = paint('32')

import { BlockList, isIP } from 'node:net'

/** Undefined: it is no network. `10.0.0.0/8`, `fd00::/8`, or one address. */
export function readNetworks(texts: readonly string[]): BlockList | undefined {
  const list = new BlockList()
  return texts.every((text) => addNetwork(list, text)) ? list : undefined
}

export function isIn(list: BlockList, address: string): boolean {
  const plain = plainAddress(address)
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

export function isLoopback(address: string): boolean {
  return isIn(loopback, address)
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function addNetwork(list: BlockList, text: string): boolean {
  const [, given = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = plainAddress(given)
  const family = isIP(address)
  if (family === 0 || given.includes('%')) return false
  const wide = family === 4 ? 32 : 128
  // One that is written as IPv6 counts the bits before it as well.
  const isMapped = family === 4 && isIP(given) === 6
  const prefix = bits === undefined ? wide : Number(bits) - (isMapped ? 96 : 0)
  if (prefix < 0 || prefix > wide) return false
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  return true
}

/** Without the name of an interface; IPv4 as such, also where it comes as IPv6. */
export function plainAddress(address: string): string {
  const [plain = ''] = address.split('%')
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain) ?? []
  return mapped ?? plain
}

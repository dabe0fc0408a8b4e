import type { Server, Socket } from 'node:net'

/** A connection past so many of one address is closed at once. */
export function limitPerAddress(server: Server, connectionsMax: number): void {
  const counts = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '-'
    const count = (counts.get(address) ?? 0) + 1
    if (count > connectionsMax) {
      socket.destroy()
      return
    }
    counts.set(address, count)
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1
      if (left === 0) counts.delete(address)
      else counts.set(address, left)
    })
  })
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createServer } from '@geartrain/server'
import { connect, PACKET } from '../support/raw.ts'

describe('names with line ends', () => {
  const rows: readonly [string, string][] = [
    ['status', 'a\\nforged\t1\t0\t1\n.\n'],
    ['prioritystatus', 'a\\nforged\t0\t1\t0\t1\n.\n'],
    ['show unique jobs', 'u\\r\\nforged\n.\n'],
  ]
  for (const [command, answer] of rows) {
    it(`can't forge a row of ${command}`, async () => {
      await using server = createServer({ port: 0 })
      const [address] = await server.listen()
      assert.ok(address)
      const peer = await connect(address.port)
      peer.send(PACKET.CAN_DO, 'a\nforged')
      peer.send(PACKET.SET_CLIENT_ID, 'id\nforged')
      peer.send(PACKET.SUBMIT_JOB_BG, 'a\nforged', 'u\r\nforged', 'x')
      await peer.receive('JOB_CREATED')
      peer.sendLine(command)
      assert.equal(await peer.receiveText('.\n'), answer)
      peer.sendLine('workers')
      assert.match(await peer.receiveText('.\n'), /^\d+ 127\.0\.0\.1 id\\nforged : a\\nforged\n\.\n$/)
      await peer.close()
    })
  }
})

import assert from 'node:assert/strict'
import { connect, PACKET, type PacketName, request } from '../support/raw.ts'
import { conformance } from './suite.ts'

/** Known, but nothing that a client or worker has to say to a server. */
const unexpected: readonly PacketName[] = [
  'UNUSED_5',
  'NOOP',
  'JOB_CREATED',
  'NO_JOB',
  'JOB_ASSIGN',
  'ECHO_RES',
  'ERROR',
  'STATUS_RES',
  'ALL_YOURS',
  'OPTION_RES',
  'JOB_ASSIGN_UNIQ',
  'JOB_ASSIGN_ALL',
  'STATUS_RES_UNIQUE',
]

/** Bodies in which the last NUL that must be there is missing; all of it would be arguments. */
const tooFew: readonly (readonly [PacketName, string])[] = [
  ['SUBMIT_JOB', 'f|u'],
  ['SUBMIT_JOB', 'f'],
  ['SUBMIT_JOB', ''],
  ['SUBMIT_JOB_BG', 'f|u'],
  ['SUBMIT_JOB_HIGH', 'f|u'],
  ['SUBMIT_JOB_HIGH_BG', 'f|u'],
  ['SUBMIT_JOB_LOW', 'f|u'],
  ['SUBMIT_JOB_LOW_BG', 'f|u'],
  ['SUBMIT_JOB_EPOCH', 'f|u|0'],
  ['SUBMIT_REDUCE_JOB', 'f|u|r|a'],
  ['SUBMIT_REDUCE_JOB_BG', 'f|u|r|a'],
  ['CAN_DO_TIMEOUT', 'f'],
  ['WORK_STATUS', 'H:x:1|1'],
  ['WORK_STATUS', 'H:x:1'],
  ['WORK_COMPLETE', 'H:x:1'],
  ['WORK_DATA', 'H:x:1'],
  ['WORK_WARNING', 'H:x:1'],
  ['WORK_EXCEPTION', 'H:x:1'],
]

conformance('errors and bad input', ({ transcript, scenario }) => {
  for (const packet of unexpected) {
    transcript(`${packet} (${PACKET[packet]}) sent to the server: ERROR, and the connection stays`)`
      peer > ${packet} a|b|c|d|e|f|g|h|i
      peer < ERROR INVALID_COMMAND|Command not expected
      peer > ECHO_REQ still here
      peer < ECHO_RES still here
    `
  }

  transcript('SUBMIT_JOB_SCHED with a minute that is none: ERROR, and the connection stays')`
      peer > SUBMIT_JOB_SCHED f|u|60|||||x
      differs: gearmand has no schedules
      ours:     peer < ERROR INVALID_SCHEDULE|$text
      gearmand: peer < ERROR INVALID_COMMAND|Command not expected
      peer > ECHO_REQ still here
      peer < ECHO_RES still here
    `

  transcript('the ERROR packet to the byte')`
    peer > bytes \0REQ\0\0\0\x06\0\0\0\0
    peer < bytes \0RES\0\0\0\x13\0\0\0\x24INVALID_COMMAND\0Command not expected
  `

  for (const type of ['0', '43', '44', '255', '256', '2147483647']) {
    transcript(`type ${type}: closed without a word`)`
      peer > ${type}${' '}
      peer closed
      other > ECHO_REQ fine
      other < ECHO_RES fine
    `
  }

  for (const type of ['2147483648', '4294967295']) {
    transcript(`type ${type}: closed without a word`)`
      ours only: one such header ends gearmand, exit code 1
      peer > ${type}${' '}
      peer closed
      other > ECHO_REQ fine
      other < ECHO_RES fine
    `
  }

  for (const [name, bytes] of [
    ['\\0XYZ', '\\0XYZ\\0\\0\\0\\x10\\0\\0\\0\\0'],
    ['\\0req', '\\0req\\0\\0\\0\\x10\\0\\0\\0\\0'],
    ['four NULs', '\\0\\0\\0\\0\\0\\0\\0\\x10\\0\\0\\0\\0'],
    ['\\0REX', '\\0REX\\0\\0\\0\\x10\\0\\0\\0\\0'],
  ] as const) {
    transcript(`the magic ${name}: closed without a word`)`
      peer > bytes ${bytes}
      peer closed
    `
  }

  transcript('bad magic behind good packets: they are answered first')`
    ours only: gearmand closes the connection before it has answered
    peer > bytes \0REQ\0\0\0\x10\0\0\0\x02hi\0XYZ\0\0\0\x10\0\0\0\0
    peer < ECHO_RES hi
    peer closed
  `

  transcript('the magic of a response: ERROR, and the connection stays')`
    peer > bytes \0RES\0\0\0\x10\0\0\0\x02hi
    peer < ERROR INVALID_MAGIC|Request magic expected
    peer > ECHO_REQ hi
    peer < ECHO_RES hi
  `

  transcript('ECHO: any bytes, or none')`
    peer > ECHO_REQ${' '}
    peer < ECHO_RES${' '}
    peer > ECHO_REQ \0\0\xff|\n
    peer < ECHO_RES \0\0\xff|\n
    peer > bytes \0REQ\0\0\0\x10\0\0\0\x02hi
    peer < bytes \0RES\0\0\0\x11\0\0\0\x02hi
  `

  scenario('ECHO of a megabyte', async ({ connect }) => {
    const peer = await connect('peer')
    const bytes = Buffer.alloc(1 << 20, 'geartrain')
    peer.send(PACKET.ECHO_REQ, bytes)
    const packet = await peer.receive('ECHO_RES')
    assert.equal(packet.name, 'ECHO_RES')
    assert.ok(packet.body.equals(bytes))
  })

  scenario('ECHOs in one write are answered in order', async ({ connect }) => {
    const peer = await connect('peer')
    peer.sendBytes(Buffer.concat(Array.from({ length: 100 }, (_, n) => request(PACKET.ECHO_REQ, `echo ${n}`))))
    for (let n = 0; n < 100; n++) {
      const packet = await peer.receive(`echo ${n}`)
      assert.deepEqual([packet.name, packet.body.toString()], ['ECHO_RES', `echo ${n}`])
    }
  })

  for (const [packet, body] of tooFew) {
    transcript(`${packet} "${body}": too few arguments`)`
      ours only: gearmand waits for the missing NUL, and takes it from the next packet
      peer > ${packet} ${body}
      peer < ERROR INVALID_PACKET|$text
      peer closed
      other > "status\n"
      other < ".\n"
    `
  }

  transcript('WORK_COMPLETE without the NUL behind the handle')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    differs: what a packet lacks is not looked for behind its end; the job goes to another worker
    ours:     worker > WORK_COMPLETE $job
    ours:     worker < ERROR INVALID_PACKET|$text
    ours:     worker closed
    ours:     client quiet
    gearmand: worker > WORK_COMPLETE $job
    gearmand: worker > GRAB_JOB
    gearmand: worker closed
    client > "show jobs\n"
    client < "$job\t1\t0\t0\n.\n"
  `

  transcript('arguments too many for a packet without data belong to the last one')`
    worker > CAN_DO f|g
    worker > CANT_DO f|g
    worker > SET_CLIENT_ID me|you
    worker > GRAB_JOB
    worker < NO_JOB
  `

  for (const submit of ['SUBMIT_JOB', 'SUBMIT_JOB_LOW_BG']) {
    transcript(`${submit} to a function with a name of 513 bytes`)`
      client > ${submit} {f*513}|u|x
      differs: names have a limit, the one that libgearman has; gearmand takes what fits into its buffer of 8 KB
      ours:     client < ERROR ARGUMENT_TOO_LARGE|Function name too large
      gearmand: client < JOB_CREATED $job
    `
  }

  transcript('CAN_DO of a function with a name of 513 bytes')`
    worker > CAN_DO {f*513}
    differs: see above
    ours:     worker < ERROR ARGUMENT_TOO_LARGE|Function name too large
    ours:     worker > CAN_DO_TIMEOUT {f*513}|1000
    ours:     worker < ERROR ARGUMENT_TOO_LARGE|Function name too large
    worker > GRAB_JOB
    worker < NO_JOB
  `

  transcript('arguments of more than 8 KB')`
    worker > SET_CLIENT_ID {i*9000}
    differs: each argument has its own limit; gearmand has one buffer for all of them, and closes when it is full
    ours:     worker > OPTION_REQ {o*9000}
    ours:     worker < ERROR UNKNOWN_OPTION|Server does not recognize given option
    ours:     worker > SUBMIT_JOB {f*9000}||x
    ours:     worker < ERROR ARGUMENT_TOO_LARGE|Function name too large
    ours:     worker > SUBMIT_JOB f|{u*9000}|x
    ours:     worker < ERROR ARGUMENT_TOO_LARGE|Unique value too large
    gearmand: worker closed
  `

  transcript('a declared length at the limit of 64 MiB')`
    peer > bytes \0REQ\0\0\0\x10\x04\0\0\0and the rest does not come
    other > ECHO_REQ fine
    other < ECHO_RES fine
    peer leaves
  `

  transcript('a declared length over the limit of 64 MiB')`
    ours only: gearmand has no limit and takes the memory at once
    peer > bytes \0REQ\0\0\0\x07\x04\0\0\x01f\0u\0
    peer < ERROR PACKET_TOO_LARGE|$text
    peer closed
    other > bytes \0REQ\0\0\0\x10\xff\xff\xff\xffhi
    other < ERROR PACKET_TOO_LARGE|$text
    other closed
    third > ECHO_REQ fine
    third < ECHO_RES fine
  `

  scenario('who stops in the middle of a packet holds up nobody', async ({ connect, stage }) => {
    const whole = request(PACKET.SUBMIT_JOB, 'f', 'u', 'x')
    const stuck = []
    for (let length = 1; length < whole.length; length++) {
      const peer = await connect(`stuck after ${length}`)
      peer.sendBytes(whole.subarray(0, length))
      stuck.push(peer)
    }
    const other = await connect('other')
    await other.sync()
    assert.deepEqual(await stage.list('status'), [])
    // The rest comes: the packets are as good as any.
    for (const [index, peer] of stuck.entries()) {
      peer.sendBytes(whole.subarray(index + 1))
      assert.equal((await peer.receive('JOB_CREATED')).name, 'JOB_CREATED')
    }
    assert.deepEqual(await stage.list('status'), ['f\t1\t0\t0'])
  })

  scenario('who leaves in the middle of a packet leaves nothing behind', async ({ server, stage }) => {
    const whole = request(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'x')
    for (let length = 0; length < whole.length; length++) {
      await using peer = await connect(server.port)
      peer.sendBytes(whole.subarray(0, length))
      await peer.close()
    }
    await stage.until('they are gone', async () => (await stage.list('workers')).length === 1)
    assert.deepEqual(await stage.list('status'), [])
  })

  scenario('who ends only its sending side is gone as well', async ({ server, stage }) => {
    await using client = await connect(server.port)
    client.send(PACKET.SUBMIT_JOB, 'f', 'u', 'x')
    await client.receive('JOB_CREATED')
    await client.close()
    await stage.until('it is gone', async () => (await stage.list('workers')).length === 1)
  })

  scenario('200 connections at once, each with a job of its own', async ({ connect, stage }) => {
    const clients = await Promise.all(Array.from({ length: 200 }, (_, n) => connect(`client ${n}`)))
    for (const client of clients) client.send(PACKET.SUBMIT_JOB, 'f', '', client.name)
    const handles = await Promise.all(clients.map(async (client) => (await client.receive()).body.toString()))
    assert.equal(new Set(handles).size, clients.length)
    assert.deepEqual(await stage.list('status'), ['f\t200\t0\t0'])
    const worker = await connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    for (const _ of clients) {
      worker.send(PACKET.GRAB_JOB)
      const { args, data } = await worker.receive('JOB_ASSIGN')
      worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', `${data.toString()} done`)
    }
    for (const [n, client] of clients.entries()) {
      const { name, args, data } = await client.receive('WORK_COMPLETE')
      assert.deepEqual([name, args[0], data.toString()], ['WORK_COMPLETE', handles[n], `client ${n} done`])
    }
  })
})

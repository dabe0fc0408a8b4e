import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { startServer } from '../support/peers.ts'
import { connect, PACKET, request } from '../support/raw.ts'
import { conformance } from './suite.ts'

conformance('submit', ({ transcript, scenario }) => {
  for (const submit of ['SUBMIT_JOB', 'SUBMIT_JOB_HIGH', 'SUBMIT_JOB_LOW']) {
    transcript(`${submit}: the client gets the handle, then the result`)`
      client > ${submit} f|u|hello
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|hello
      worker > WORK_COMPLETE $job|olleh
      client < WORK_COMPLETE $job|olleh
    `
  }

  for (const submit of ['SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH_BG', 'SUBMIT_JOB_LOW_BG']) {
    transcript(`${submit}: the client gets the handle and nothing else`)`
      client > ${submit} f|u|hello
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|hello
      worker > WORK_DATA $job|part
      worker > WORK_WARNING $job|oh
      worker > WORK_STATUS $job|1|2
      worker > WORK_COMPLETE $job|olleh
      client quiet
    `

    transcript(`${submit}: the job outlives its client`)`
      client > ${submit} f|u|hello
      client < JOB_CREATED $job
      client leaves
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|hello
      worker > WORK_COMPLETE $job|
    `
  }

  transcript('JOB_CREATED to the byte: the handle without a NUL behind it')`
    client > bytes \0REQ\0\0\0\x07\0\0\0\x09f\0u\0hello
    client < JOB_CREATED $job
    client > bytes \0REQ\0\0\0\x12\0\0\0\x09f\0u\0hello
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|hello
    worker > WORK_COMPLETE $job|
    client < WORK_COMPLETE $job|
  `

  transcript('a workload may be empty')`
    client > SUBMIT_JOB f|u|
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|
    worker > WORK_COMPLETE $job|
    client < WORK_COMPLETE $job|
  `

  transcript('a workload and a result may hold any byte')`
    client > SUBMIT_JOB f|u|\0a\0\0\x80\xff\r\n\|
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|\0a\0\0\x80\xff\r\n\|
    worker > WORK_COMPLETE $job|\xfe\0\0
    client < WORK_COMPLETE $job|\xfe\0\0
  `

  transcript('a function name may be empty')`
    client > SUBMIT_JOB_BG |u|hello
    client < JOB_CREATED $job
    worker > CAN_DO${' '}
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job||hello
    worker > "status\n"
    worker < "\t1\t1\t1\n.\n"
    worker > WORK_COMPLETE $job|
  `

  for (const name of ['with blank', 'grüße', 'a\\tb', 'PREFIX\\tf', 'A::B', '{n*512}']) {
    transcript(`a function name may be ${name}`)`
      client > SUBMIT_JOB ${name}|u|hello
      client < JOB_CREATED $job
      worker > CAN_DO ${name}
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|${name}|hello
      worker > WORK_COMPLETE $job|
      client < WORK_COMPLETE $job|
    `
  }

  transcript('function names differ by case')`
    client > SUBMIT_JOB_BG F||hello
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
    worker > CAN_DO F
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|F|hello
    worker > WORK_COMPLETE $job1|
  `

  transcript('foreground, background and refused ones are answered in the order they were sent')`
    client > SUBMIT_JOB f|1|x
    client > SUBMIT_JOB_BG f|2|x
    client > SUBMIT_JOB f|{u*65}|x
    client > SUBMIT_JOB_HIGH f|1|x
    client > GET_STATUS none
    client > SUBMIT_JOB_LOW f|3|x
    client < JOB_CREATED $job1
    client < JOB_CREATED $job2
    client < ERROR ARGUMENT_TOO_LARGE|Unique value too large
    client < JOB_CREATED $job1
    client < STATUS_RES none|0|0|0|0
    client < JOB_CREATED $job3
  `

  transcript('a connection may be client and worker of one job')`
    peer > CAN_DO f
    peer > SUBMIT_JOB f|u|x
    peer < JOB_CREATED $job
    peer > GRAB_JOB
    peer < JOB_ASSIGN $job|f|x
    peer > WORK_COMPLETE $job|y
    peer < WORK_COMPLETE $job|y
  `

  scenario('a sleeping connection is woken by its own submission', async ({ connect }) => {
    const peer = await connect('peer')
    peer.send(PACKET.CAN_DO, 'f')
    peer.send(PACKET.PRE_SLEEP)
    peer.send(PACKET.SUBMIT_JOB, 'f', 'u', 'x')
    const names = [(await peer.receive()).name, (await peer.receive()).name]
    assert.deepEqual(names.sort(), ['JOB_CREATED', 'NOOP'])
    await peer.expectNothing()
  })

  scenario('packets may come in one piece, or byte by byte', async ({ connect }) => {
    const client = await connect('client')
    const submits = [1, 2, 3].map((n) => request(PACKET.SUBMIT_JOB_BG, 'f', '', `job ${n}`))
    client.sendBytes(Buffer.concat(submits))
    for (const byte of Buffer.concat(submits)) {
      client.sendBytes(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    const handles: string[] = []
    for (let n = 0; n < 6; n++) {
      const packet = await client.receive('JOB_CREATED')
      assert.equal(packet.name, 'JOB_CREATED')
      handles.push(packet.body.toString())
    }
    assert.equal(new Set(handles).size, 6)

    const worker = await connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    for (const handle of handles) {
      worker.send(PACKET.GRAB_JOB)
      const { name, args, data } = await worker.receive('JOB_ASSIGN')
      const n = (handles.indexOf(handle) % 3) + 1
      assert.deepEqual([name, args, data.toString()], ['JOB_ASSIGN', [handle, 'f'], `job ${n}`])
      worker.send(PACKET.WORK_COMPLETE, handle, '')
    }
    await worker.expectNothing()
  })

  scenario('a workload of 2 MiB goes through whole, as does a result', async ({ connect }) => {
    const workload = Buffer.alloc(2 << 20).map((_, index) => (index * 7) & 255)
    const client = await connect('client')
    client.send(PACKET.SUBMIT_JOB, 'f', '', workload)
    const handle = (await client.receive('JOB_CREATED')).body.toString()
    const worker = await connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB)
    const assigned = await worker.receive('JOB_ASSIGN')
    assert.deepEqual(assigned.args, [handle, 'f'])
    assert.ok(assigned.data.equals(workload))
    worker.send(PACKET.WORK_COMPLETE, handle, assigned.data)
    const completed = await client.receive('WORK_COMPLETE')
    assert.ok(completed.data.equals(workload))
  })

  scenario('a handle is H:, the host name and a number that rises by one a job', async ({ connect }) => {
    const client = await connect('client')
    const numbers: bigint[] = []
    for (let n = 0; n < 5; n++) {
      client.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
      const handle = (await client.receive('JOB_CREATED')).body.toString()
      assert.ok(handle.startsWith(`H:${hostname()}:`), handle)
      assert.ok(handle.length <= 63, handle)
      numbers.push(BigInt(handle.slice(`H:${hostname()}:`.length)))
    }
    const first = numbers[0] ?? 0n
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => first + BigInt(index)),
    )
  })

  scenario('handles over restarts', async ({ kind, differs }) => {
    const handles: string[] = []
    for (let start = 0; start < 2; start++) {
      await using server = await startServer(kind)
      await using client = await connect(server.port, 'client')
      client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
      handles.push((await client.receive('JOB_CREATED')).body.toString())
    }
    const same = differs('a handle must never mean two jobs: numbers do not start over', {
      ours: false,
      gearmand: true,
    })
    assert.equal(handles[0] === handles[1], same, handles.join(' '))
    if (kind === 'gearmand') assert.equal(handles[0], `H:${hostname()}:1`)
  })
})

conformance(
  "handles with a prefix of one's own",
  ({ scenario }) => {
    scenario('the prefix stands where H: and the host stand otherwise', async ({ connect }) => {
      const client = await connect('client')
      client.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
      assert.match((await client.receive('JOB_CREATED')).body.toString(), /^train:[1-9][0-9]*$/)
    })
  },
  { ours: ['--handle-prefix', 'train'], gearmand: ['--job-handle-prefix=train'] },
)

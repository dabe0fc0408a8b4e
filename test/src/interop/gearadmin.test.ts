import assert from 'node:assert/strict'
import { connect, PACKET } from '../support/raw.ts'
import { interop, type Theatre } from './program.ts'

function gearadmin(theatre: Theatre, ...args: readonly string[]): readonly string[] {
  return ['gearadmin', '-h', '127.0.0.1', '-p', String(theatre.port), ...args]
}

/** Two waiting jobs, a running one and a function without any. */
async function fill(theatre: Theatre) {
  const peer = await connect(theatre.port, 'peer')
  peer.send(PACKET.SET_CLIENT_ID, 'peer')
  peer.send(PACKET.CAN_DO, 'a')
  peer.send(PACKET.CAN_DO, 'b')
  peer.send(PACKET.SUBMIT_JOB_BG, 'a', 'u1', 'x')
  peer.send(PACKET.SUBMIT_JOB_HIGH, 'a', 'u2', 'x')
  peer.send(PACKET.SUBMIT_JOB_LOW_BG, 'c', 'u3', 'x')
  const handles: string[] = []
  for (let n = 0; n < 3; n++) handles.push((await peer.receive('JOB_CREATED')).body.toString())
  peer.send(PACKET.GRAB_JOB)
  await peer.receive('JOB_ASSIGN')
  return { peer, handles }
}

/** What gearadmin prints for an answer: all of it, but for the OK in front of a value. */
function shown(answer: string): string {
  return answer === 'OK\r\n' ? 'OK\n' : answer.replace(/^OK /, '')
}

interop('gearadmin', ['gearadmin'], {
  'what it lists is the raw text': async (theatre) => {
    const { peer } = await fill(theatre)
    for (const [option, command] of [
      ['--status', 'status'],
      ['--priority-status', 'prioritystatus'],
      ['--show-jobs', 'show jobs'],
      ['--show-unique-jobs', 'show unique jobs'],
      ['--getpid', 'getpid'],
      ['--server-version', 'version'],
      ['--server-verbose', 'verbose'],
    ] as const) {
      assert.equal(await theatre.output(gearadmin(theatre, option)), shown(await theatre.ask(command)), option)
    }
    await peer.close()
  },

  'workers: all connections, its own among them': async (theatre) => {
    const { peer } = await fill(theatre)
    const said = await theatre.output(gearadmin(theatre, '--workers'))
    assert.deepEqual(
      said
        .split('\n')
        .map((line) => line.replace(/^\d+ /, ''))
        .sort(),
      ['', '.', '127.0.0.1 - :', '127.0.0.1 peer : b a'],
    )
    await peer.close()
  },

  'the numbers mean what they say': async (theatre) => {
    const { peer, handles } = await fill(theatre)
    const sorted = async (option: string) => (await theatre.output(gearadmin(theatre, option))).split('\n').sort()
    assert.deepEqual(await sorted('--status'), ['', '.', 'a\t2\t1\t1', 'b\t0\t0\t1', 'c\t1\t0\t0'])
    assert.deepEqual(await sorted('--priority-status'), ['', '.', 'a\t0\t1\t0\t1', 'b\t0\t0\t0\t1', 'c\t0\t0\t1\t0'])
    assert.deepEqual(await sorted('--show-unique-jobs'), ['', '.', 'u1', 'u2', 'u3'])
    const rows = [`${handles[0]}\t0\t0\t1`, `${handles[1]}\t0\t0\t0`, `${handles[2]}\t0\t0\t1`]
    assert.deepEqual(await sorted('--show-jobs'), ['', '.', ...rows].sort())
    assert.equal(await theatre.output(gearadmin(theatre, '--getpid')), `${theatre.server.pid}\n`)
    await peer.close()
  },

  'it creates and drops functions': async (theatre) => {
    assert.equal(await theatre.output(gearadmin(theatre, '--create-function', 'foo')), 'OK\n')
    assert.equal(await theatre.output(gearadmin(theatre, '--status')), 'foo\t0\t0\t0\n.\n')
    assert.equal(await theatre.output(gearadmin(theatre, '--drop-function', 'foo')), 'OK\n')
    assert.equal(await theatre.output(gearadmin(theatre, '--status')), '.\n')
    // Errors go to stderr, and the exit code is 0 all the same.
    const { code, stdout, stderr } = await theatre.run(gearadmin(theatre, '--drop-function', 'foo'))
    assert.deepEqual([code, stdout, stderr.trimEnd()], [0, '', 'Error: function not found'])
    const { peer } = await fill(theatre)
    const refused = await theatre.run(gearadmin(theatre, '--drop-function', 'a'))
    assert.equal(refused.stderr.trimEnd(), 'Error: there are still connected workers or executing clients')
    await peer.close()
  },

  'it cancels a job': async (theatre) => {
    const { peer, handles } = await fill(theatre)
    assert.equal(await theatre.output(gearadmin(theatre, '--cancel-job', handles[2] ?? '')), 'OK\n')
    const { code, stdout, stderr } = await theatre.run(gearadmin(theatre, '--cancel-job', 'H:nobody:1'))
    assert.deepEqual([code, stdout, stderr.trimEnd()], [0, '', 'Error: UNKNOWN_JOB'])
    await peer.close()
  },

  'several options at once': async (theatre) => {
    const said = await theatre.output(gearadmin(theatre, '--status', '--getpid'))
    assert.deepEqual(said.split('\n').sort(), ['', '.', String(theatre.server.pid)])
  },
})

import assert from 'node:assert/strict'
import { PACKET } from '../support/raw.ts'
import { conformance } from './suite.ts'

const incomplete = 'ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+'
const unknown = 'ERR UNKNOWN_COMMAND Unknown+server+command'

/** One line, one answer, on a server where there is nothing. */
const answers: readonly (readonly [line: string, answer: string])[] = [
  ['getpid', 'OK $pid\\n'],
  ['status', '.\\n'],
  ['prioritystatus', '.\\n'],
  ['show jobs', '.\\n'],
  ['show unique jobs', '.\\n'],
  ['show foo', 'ERR UNKNOWN_SHOW_ARGUMENTS\\r\\n'],
  ['show jobs x', 'ERR UNKNOWN_SHOW_ARGUMENTS\\r\\n'],
  ['show unique', 'ERR UNKNOWN_SHOW_ARGUMENTS\\r\\n'],
  ['show unique x', 'ERR UNKNOWN_SHOW_ARGUMENTS\\r\\n'],
  ['show', `${unknown}show\\r\\n`],
  ['cancel', `${unknown}cancel\\r\\n`],
  ['cancel job', `${unknown}cancel\\r\\n`],
  ['cancel job H:nobody:1', 'ERR UNKNOWN_JOB\\r\\n'],
  ['cancel foo bar', 'ERR UNKNOWN_ERROR\\r\\n'],
  ['cancel job a b', 'ERR UNKNOWN_ERROR\\r\\n'],
  ['create', `${incomplete}create\\r\\n`],
  ['create function', `${incomplete}create\\r\\n`],
  ['create x y', `${incomplete}create\\r\\n`],
  ['create function f g', `${incomplete}create\\r\\n`],
  ['drop', `${incomplete}drop\\r\\n`],
  ['drop function', `${incomplete}drop\\r\\n`],
  ['drop x y', `${incomplete}drop\\r\\n`],
  ['drop function nobody', 'ERR function not found\\r\\n'],
  ['maxqueue', `${incomplete}maxqueue\\r\\n`],
  ['shutdown', `${unknown}shutdown\\r\\n`],
  ['shutdown graceful', `${unknown}shutdown\\r\\n`],
  ['help', `${unknown}help\\r\\n`],
  ['stats', `${unknown}stats\\r\\n`],
  ['GET / HTTP/1.1', `${unknown}GET\\r\\n`],
  ['HELP', `${unknown}HELP\\r\\n`],
  ['foo bar baz', `${unknown}foo\\r\\n`],
  ['', `${unknown}\\r\\n`],
  ['   ', `${unknown}\\r\\n`],
  // Before the first blank there is an empty word; a tab is a letter like others.
  ['  status', `${unknown}\\r\\n`],
  ['show\\tjobs', `${unknown}show\\tjobs\\r\\n`],
]

conformance('admin text', ({ transcript, scenario }) => {
  for (const [line, answer] of answers) {
    transcript(`"${line}" is answered "${answer}", with LF and with CRLF`)`
      admin > "${line}\n"
      admin < "${answer}"
      admin > "${line}\r\n"
      admin < "${answer}"
    `
  }

  transcript('version')`
    admin > "version\n"
    differs: each names its own version
    ours:     admin < "OK $version\n"
    gearmand: admin < "OK 1.1.20+ds\n"
  `

  transcript("verbose: the log level in gearmand's words")`
    admin > "verbose\n"
    differs: ours logs at info as it comes, gearmand at error
    ours:     admin < "OK INFO\n"
    gearmand: admin < "OK ERROR\n"
  `

  for (const line of ['STATUS', 'Status', 'status   ', 'PriorityStatus', 'SHOW JOBS']) {
    transcript(`"${line}": case and blanks behind do not matter`)`
      admin > "${line}\n"
      admin < ".\n"
      admin > "${line}\r\n"
      admin < ".\n"
    `
  }

  transcript('blanks between words do not matter either')`
    admin > "show    unique   jobs\n"
    admin < ".\n"
    admin > "SHOW Unique JOBS\n"
    admin < ".\n"
    admin > "Cancel JOB H:nobody:1\n"
    admin < "ERR UNKNOWN_JOB\r\n"
    admin > "CREATE FUNCTION f\r\n"
    admin < "OK\r\n"
    admin > "DROP FUNCTION f\r\n"
    admin < "OK\r\n"
    admin > "MaxQueue f 1\n"
    admin < "OK\r\n"
  `

  for (const line of ['a b c d e f', 'maxqueue f 1 2 3 4', 'status 1 2 3 4 5', 'create function a b c d']) {
    transcript(`"${line}": six words are too many, closed without an answer`)`
      admin > "${line}\n"
      admin closed
    `
  }

  transcript('five words are not too many')`
    admin > "a b c d e\n"
    admin < "${unknown}a\r\n"
    admin > "status and more of it\n"
    admin < ".\n"
    admin > "maxqueue f 1 2 3\n"
    admin < "OK\r\n"
  `

  transcript('a line of 8192 bytes with its end is the longest')`
    admin > "{x*8191}\n"
    admin < "${unknown}{x*8191}\r\n"
    admin > "{x*8190}\r\n"
    admin < "${unknown}{x*8190}\r\n"
    admin > "{x*8192}\n"
    admin closed
  `

  transcript('a line that has no end is cut off, not kept')`
    admin > "{x*20000}"
    admin closed
  `

  transcript('a line in pieces is waited for')`
    admin > "sta"
    other > ECHO_REQ x
    other < ECHO_RES x
    admin > "tus\n"
    admin < ".\n"
  `

  transcript('text and packets may follow each other in one piece')`
    peer > bytes status\n\0REQ\0\0\0\x10\0\0\0\x02higetpid\r\n\0REQ\0\0\0\x09\0\0\0\0prioritystatus\n
    peer < ".\n"
    peer < ECHO_RES hi
    peer < "OK $pid\n"
    peer < NO_JOB
    peer < ".\n"
  `

  transcript('status: function, jobs, of these running, workers')`
    client > SUBMIT_JOB f|1|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|2|x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG g|3|x
    client < JOB_CREATED $job3
    w1 > CAN_DO f
    w2 > CAN_DO f
    w2 > CAN_DO h
    w1 > GRAB_JOB
    w1 < JOB_ASSIGN $job1|f|x
    client > "status\n"
    client <~ "f\t2\t1\t2\ng\t1\t0\t0\nh\t0\t0\t1\n.\n"
    w1 > WORK_COMPLETE $job1|
    client < WORK_COMPLETE $job1|
    client > "status\n"
    client <~ "f\t1\t0\t2\ng\t1\t0\t0\nh\t0\t0\t1\n.\n"
    w1 leaves
    w2 leaves
    client > "status\n"
    client <~ "f\t1\t0\t0\ng\t1\t0\t0\nh\t0\t0\t0\n.\n"
  `

  transcript('prioritystatus: function, waiting jobs high, normal, low, workers')`
    client > SUBMIT_JOB_HIGH f|1|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_HIGH_BG f|2|x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB f|3|x
    client < JOB_CREATED $job3
    client > SUBMIT_JOB_LOW_BG f|4|x
    client < JOB_CREATED $job4
    client > SUBMIT_JOB_LOW f|5|x
    client < JOB_CREATED $job5
    client > SUBMIT_JOB_LOW g|5|x
    client < JOB_CREATED $job6
    client > "prioritystatus\n"
    client <~ "f\t2\t1\t2\t0\ng\t0\t0\t1\t0\n.\n"
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > "prioritystatus\n"
    client <~ "f\t1\t1\t2\t1\ng\t0\t0\t1\t0\n.\n"
  `

  transcript('workers: every connection, its id, its functions with the newest first')`
    admin > "workers\n"
    admin <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 - :\n.\n"
    worker > CAN_DO a
    worker > CAN_DO b
    worker > CAN_DO_TIMEOUT c|5000
    admin > "workers\n"
    admin <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 - :\n$fd3 127.0.0.1 - : c b a\n.\n"
    worker > SET_CLIENT_ID me
    worker > CANT_DO b
    admin > "WORKERS\r\n"
    admin <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 - :\n$fd3 127.0.0.1 me : c a\n.\n"
    worker > SET_CLIENT_ID you and me
    worker > RESET_ABILITIES
    admin > "workers\n"
    admin <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 - :\n$fd3 127.0.0.1 you and me :\n.\n"
  `

  transcript('a client id is cut after 127 bytes')`
    admin > SET_CLIENT_ID {i*127}
    admin > "workers\n"
    admin <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 {i*127} :\n.\n"
    admin > SET_CLIENT_ID {j*128}
    admin > "workers\n"
    admin <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 {j*127} :\n.\n"
  `

  transcript('workers after a job: the order of registration')`
    client > SUBMIT_JOB_BG a|1|x
    client < JOB_CREATED $job1
    worker > CAN_DO a
    worker > CAN_DO b
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|a|x
    worker > "workers\n"
    worker <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 - :\n$fd3 127.0.0.1 - : b a\n.\n"
  `

  transcript('show jobs: handle, retries, ignored, background')`
    client > SUBMIT_JOB f|1|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|2|x
    client < JOB_CREATED $job2
    client > "show jobs\n"
    client <~ "$job1\t0\t0\t0\n$job2\t0\t0\t1\n.\n"
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > "show jobs\n"
    client <~ "$job1\t0\t0\t0\n$job2\t0\t0\t1\n.\n"
  `

  transcript('show unique jobs: one a line, running ones too')`
    client > SUBMIT_JOB f|one|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|with blank|x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG g||x
    client < JOB_CREATED $job3
    client > SUBMIT_JOB_BG g|one|x
    client < JOB_CREATED $job4
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > "show unique jobs\n"
    client <~ "one\nwith blank\n\none\n.\n"
  `

  scenario('a list of 2,000 jobs is whole', async ({ connect, stage }) => {
    const client = await connect('client')
    const handles = new Set<string>()
    for (let n = 0; n < 2000; n++) client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    for (let n = 0; n < 2000; n++) handles.add((await client.receive('JOB_CREATED')).body.toString())
    assert.deepEqual(
      new Set(await stage.list('show jobs')),
      new Set([...handles].map((handle) => `${handle}\t0\t0\t1`)),
    )
    assert.deepEqual(await stage.list('status'), ['f\t2000\t0\t0'])
  })

  transcript('create function and drop function')`
    admin > "create function bar\r\n"
    admin < "OK\r\n"
    admin > "create function bar\r\n"
    admin < "OK\r\n"
    admin > "status\n"
    admin < "bar\t0\t0\t0\n.\n"
    admin > "drop function bar\r\n"
    admin < "OK\r\n"
    admin > "drop function bar\r\n"
    admin < "ERR function not found\r\n"
    admin > "status\n"
    admin < ".\n"
  `

  transcript('create function with a bare LF')`
    admin > "create function bar\n"
    admin < "OK\r\n"
    admin > "status\n"
    differs: the name is the name; gearmand cuts its last letter
    ours:     admin < "bar\t0\t0\t0\n.\n"
    gearmand: admin < "ba\t0\t0\t0\n.\n"
  `

  transcript('drop function in another case')`
    admin > "create function bar\r\n"
    admin < "OK\r\n"
    admin > "drop function BAR\r\n"
    differs: names of functions differ by case, everywhere
    ours:     admin < "ERR function not found\r\n"
    gearmand: admin < "OK\r\n"
  `

  transcript('drop function with a bare LF')`
    admin > "create function bar\r\n"
    admin < "OK\r\n"
    admin > "drop function bar\n"
    admin < "OK\r\n"
  `

  transcript('drop function is refused while a worker is there')`
    worker > CAN_DO f
    admin > "drop function f\r\n"
    admin < "ERR there are still connected workers or executing clients\r\n"
    worker > CANT_DO f
    admin > "drop function f\r\n"
    admin < "OK\r\n"
  `

  transcript('drop function is refused while a job runs')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    admin > "drop function f\r\n"
    admin < "ERR there are still connected workers or executing clients\r\n"
    worker > WORK_COMPLETE $job|
    client < WORK_COMPLETE $job|
  `

  transcript('drop function is refused while a job waits')`
    ours only: gearmand drops the function, and uses its memory after that
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    client > "drop function f\r\n"
    client < "ERR there are still connected workers or executing clients\r\n"
    client > "status\n"
    client < "f\t1\t0\t0\n.\n"
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE $job|
  `

  transcript('a function stays listed after its last job and worker')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE $job|
    worker leaves
    client > "status\n"
    client < "f\t0\t0\t0\n.\n"
    client > "prioritystatus\n"
    client < "f\t0\t0\t0\t0\n.\n"
  `
})

for (const [ours, gearmand] of [
  ['debug', 'DEBUG'],
  ['warn', 'WARNING'],
  ['error', 'ERROR'],
] as const) {
  conformance(
    `verbose when logging at ${ours}`,
    ({ transcript }) => {
      transcript(`is ${gearmand}`)`
        admin > "verbose\n"
        admin < "OK ${gearmand}\n"
      `
    },
    { ours: ['--log-level', ours], gearmand: [`--verbose=${gearmand}`] },
  )
}

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

  transcript('verbose: the log level in gearmand\'s words')`
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
    assert.deepEqual(new Set(await stage.list('show jobs')), new Set([...handles].map((handle) => `${handle}\t0\t0\t1`)))
    assert.deepEqual(await stage.list('status'), ['f\t2000\t0\t0'])
  })

  transcript('cancel job: one that waits')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    second > SUBMIT_JOB f|u|x
    second < JOB_CREATED $job
    admin > "cancel job $job\n"
    admin < "OK\r\n"
    client < WORK_FAIL $job
    second < WORK_FAIL $job
    admin > "status\n"
    differs: it leaves the queue and the counts at once
    ours:     admin < "f\t0\t0\t0\n.\n"
    ours:     admin > "show jobs\n"
    ours:     admin < ".\n"
    ours:     admin > "cancel job $job\n"
    ours:     admin < "ERR UNKNOWN_JOB\r\n"
    ours:     client quiet
    gearmand: admin < "f\t1\t0\t0\n.\n"
    gearmand: admin > "show jobs\n"
    gearmand: admin < "$job\t0\t1\t0\n.\n"
    gearmand: admin > "cancel job $job\n"
    gearmand: admin < "OK\r\n"
    gearmand: client < WORK_FAIL $job
    gearmand: second < WORK_FAIL $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
    admin > "status\n"
    admin < "f\t0\t0\t1\n.\n"
  `

  transcript('cancel job: a background one that waits')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    client > "cancel job $job\r\n"
    client < "OK\r\n"
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
    client > "status\n"
    client < "f\t0\t0\t1\n.\n"
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job2
  `

  transcript('cancel job: one that runs')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    admin > "cancel job $job\n"
    admin < "OK\r\n"
    client < WORK_FAIL $job
    worker quiet
    admin > "status\n"
    differs: it leaves the counts, and its clients hear of it no more
    ours:     admin < "f\t0\t0\t1\n.\n"
    ours:     admin > "cancel job $job\n"
    ours:     admin < "ERR UNKNOWN_JOB\r\n"
    gearmand: admin < "f\t1\t1\t1\n.\n"
    gearmand: admin > "cancel job $job\n"
    gearmand: admin < "OK\r\n"
    gearmand: client < WORK_FAIL $job
    worker > WORK_STATUS $job|1|2
    worker > WORK_DATA $job|part
    worker > WORK_WARNING $job|oh
    worker > WORK_COMPLETE $job|y
    # The worker did nothing wrong: no ERROR.
    worker quiet
    differs: see above
    ours:     client quiet
    gearmand: client < WORK_STATUS $job|1|2
    gearmand: client < WORK_DATA $job|part
    gearmand: client < WORK_WARNING $job|oh
    gearmand: client < WORK_COMPLETE $job|y
    worker > WORK_COMPLETE $job|y
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    worker > GRAB_JOB
    worker < NO_JOB
    admin > "status\n"
    admin < "f\t0\t0\t1\n.\n"
  `

  for (const end of ['WORK_FAIL $job', 'WORK_EXCEPTION $job|oh']) {
    transcript(`cancel job: the worker of a cancelled one says ${end}`)`
      ours only: gearmand tells the clients a second time
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      client > "cancel job $job\n"
      client < WORK_FAIL $job
      client < "OK\r\n"
      worker > ${end}
      worker quiet
      client quiet
    `
  }

  transcript('cancel job: the worker of a cancelled one leaves')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    client > "cancel job $job\n"
    client < "OK\r\n"
    worker leaves
    other > CAN_DO f
    other > GRAB_JOB
    other < NO_JOB
    client > "status\n"
    client < "f\t0\t0\t1\n.\n"
  `

  transcript('cancel job: the same unique again, while the cancelled one still runs')`
    ours only: with gearmand the new submission joins the cancelled job
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > "cancel job $job1\n"
    client < WORK_FAIL $job1
    client < "OK\r\n"
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job2
    worker > WORK_COMPLETE $job1|old
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|x
    worker > WORK_COMPLETE $job2|new
    client < WORK_COMPLETE $job2|new
  `

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

/** What `maxqueue` allows, submission by submission: `.` accepted, `!` refused. */
const limits: readonly { readonly command: string; readonly submits: string; readonly answers: string }[] = [
  { command: 'maxqueue f 2', submits: 'N N N H L', answers: '. . ! ! !' },
  { command: 'maxqueue f 3 2 1', submits: 'L L N N H H', answers: '. ! . ! . !' },
  { command: 'maxqueue f 2 1', submits: 'L L H N L', answers: '. . ! ! .' },
  { command: 'maxqueue f 0', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f -1', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f many', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f 0 1 0', submits: 'H H N L', answers: '. . ! .' },
]

conformance('maxqueue', ({ transcript, scenario }) => {
  const submitOf: Readonly<Record<string, number>> = {
    H: PACKET.SUBMIT_JOB_HIGH_BG,
    N: PACKET.SUBMIT_JOB_BG,
    L: PACKET.SUBMIT_JOB_LOW,
  }
  for (const { command, submits, answers } of limits) {
    scenario(`"${command}": ${submits} is answered ${answers}`, async ({ connect, stage }) => {
      assert.equal(await stage.ask('create function f'), 'OK\r\n')
      assert.equal(await stage.ask(command), 'OK\r\n')
      const client = await connect('client')
      const got: string[] = []
      for (const letter of submits.split(' ')) {
        client.send(submitOf[letter] ?? 0, 'f', '', 'x')
        const { name, args } = await client.receive('JOB_CREATED or ERROR')
        if (name === 'ERROR') assert.deepEqual(args, ['QUEUE_ERROR', 'Job queue is full'])
        got.push(name === 'ERROR' ? '!' : '.')
      }
      assert.equal(got.join(' '), answers)
    })
  }

  transcript('running jobs count, and what is done makes room')`
    admin > "create function f\r\n"
    admin < "OK\r\n"
    admin > "maxqueue f 1\r\n"
    admin < "OK\r\n"
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > SUBMIT_JOB_BG f||x
    client < ERROR QUEUE_ERROR|Job queue is full
    client > SUBMIT_REDUCE_JOB f||r||x
    client < ERROR QUEUE_ERROR|Job queue is full
    worker > WORK_COMPLETE $job1|
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job2
  `

  transcript('one function\'s limit is not another\'s')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    client > "maxqueue f 1\n"
    client < "OK\r\n"
    client > SUBMIT_JOB_BG f||x
    client < ERROR QUEUE_ERROR|Job queue is full
    client > SUBMIT_JOB_BG g||x
    client < JOB_CREATED $job2
    client > "maxqueue f\n"
    client < "OK\r\n"
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job3
  `

  transcript('for a function that nobody knows yet')`
    client > "maxqueue f 1\n"
    client < "OK\r\n"
    client > "status\n"
    differs: a function with a limit is a function, and listed
    ours:     client < "f\t0\t0\t0\n.\n"
    gearmand: client < ".\n"
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f||x
    differs: OK means that it is so; gearmand forgets it
    ours:     client < ERROR QUEUE_ERROR|Job queue is full
    gearmand: client < JOB_CREATED $job2
  `
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { message, readEvent, showEvent } from './event.ts'
import { Ledger } from './ledger.ts'
import type { Fault, Rule } from './rules.ts'
import { nameOf, workloadOf } from './workload.ts'

// Histories as they could have been recorded: each breaks a rule in its last line, or breaks none.

function judge(history: string): { fault: Fault | undefined; isLast: boolean; ledger: Ledger } {
  const ledger = new Ledger()
  const lines = history.split('\n').filter((line) => line.trim() !== '')
  let atMs = 1000
  for (const [i, line] of lines.entries()) {
    const event = readEvent(line, atMs)
    atMs = event.atMs
    ledger.see(event)
    if (ledger.fault !== undefined) return { fault: ledger.fault, isLast: i === lines.length - 1, ledger }
  }
  return { fault: undefined, isLast: true, ledger }
}

const submitted = `
  ready
  c > SUBMIT_JOB_BG f '' s1
  c < JOB_CREATED H:1`

const assigned = `${submitted}
  w > CAN_DO f
  w > GRAB_JOB_UNIQ
  w < JOB_ASSIGN_UNIQ H:1 f '' s1`

/** w has given its job back; what it says of it still counts if it has been given it again by then. */
const givenBack = `${assigned}
  w > CANT_DO f
  w > CAN_DO f`

/** v has the job, and leaves without a word. */
const leftByAnother = `
  v > CAN_DO f
  v > GRAB_JOB_UNIQ
  v < JOB_ASSIGN_UNIQ H:1 f '' s1
  v leaves`

const unique = `
  ready
  c > SUBMIT_JOB_BG f u s1
  c < JOB_CREATED H:1`

const restart = `
  killed
  ready`

/** By rule; the last line of each is the one that breaks it. */
const broken: readonly (readonly [rule: Rule, what: string, history: string])[] = [
  [
    'a',
    'an acknowledged job is not there after a restart',
    `${submitted} ${restart}
    i > show jobs
    i < TABLE`,
  ],
  [
    'a',
    'one of many is not there',
    `${submitted}
    c > SUBMIT_JOB_LOW_BG f '' s2
    c < JOB_CREATED H:2 ${restart}
    i > show jobs
    i < TABLE H:2%090%090%091`,
  ],
  [
    'a',
    'a job is not known to GET_STATUS after a restart',
    `${submitted} ${restart}
    i > GET_STATUS H:1
    i < STATUS_RES H:1 0 0 0 0`,
  ],
  [
    'a',
    'a unique is not known after a restart',
    `${unique} ${restart}
    i > GET_STATUS_UNIQUE u
    i < STATUS_RES_UNIQUE u 0 0 0 0 0`,
  ],
  [
    'a',
    'a job that waits for its time is lost',
    `ready
    c > SUBMIT_JOB_EPOCH f '' 3600 s1
    c < JOB_CREATED H:1 ${restart}
    i > show jobs
    i < TABLE`,
  ],
  [
    'a',
    'a job was given to a worker, and with it the job is lost',
    `${assigned} ${restart}
    i > show jobs
    i < TABLE`,
  ],
  ...(
    [
      ['whose last word came too late', `${assigned}\nw > WORK_COMPLETE H:1 r1`],
      ['who has given it back and asked for none', `${givenBack}\nw > WORK_COMPLETE H:1 r1`],
      ['who asked for another later', `${givenBack}\nw > WORK_COMPLETE H:1 r1\nw > GRAB_JOB_UNIQ`],
      ['who got none when it asked', `${givenBack}\nw > GRAB_JOB_UNIQ\nw > WORK_COMPLETE H:1 r1\nw < NO_JOB`],
      [
        'who got another when it asked',
        `${givenBack}
        w > GRAB_JOB_UNIQ
        w > WORK_COMPLETE H:1 r1
        d > SUBMIT_JOB f '' s2
        w < JOB_ASSIGN_UNIQ H:2 f '' s2`,
      ],
    ] as const
  ).map(
    ([who, history]) =>
      [
        'a',
        `a job goes from a worker ${who} to one that leaves, and is lost`,
        `${history}
        w leaves ${leftByAnother} ${restart}
        i > show jobs
        i < TABLE`,
      ] as const,
  ),
  [
    'a',
    'a worker leaves without having finished, and the job is lost',
    `${assigned}
    w leaves
    i > GET_STATUS H:1
    i < STATUS_RES H:1 0 0 0 0`,
  ],
  [
    'a',
    'a foreground job that a background submission has joined is lost',
    `ready
    c > SUBMIT_JOB f u s1
    c < JOB_CREATED H:1
    d > SUBMIT_JOB_BG f u s2
    d < JOB_CREATED H:1 ${restart}
    i > show jobs
    i < TABLE`,
  ],
  [
    'a',
    'a word of a worker that does not have the job has ended it',
    `${assigned}
    v > WORK_COMPLETE H:1 r1
    v < ERROR JOB_NOT_FOUND ''
    i > GET_STATUS H:1
    i < STATUS_RES H:1 0 0 0 0`,
  ],
  [
    'a',
    'a job that is there is not found to be cancelled',
    `${submitted}
    i > cancel job H:1
    i < ERR UNKNOWN_JOB`,
  ],
  [
    'a',
    'another workload',
    `${submitted} ${restart}
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s2`,
  ],
  [
    'a',
    'another unique',
    `${unique} ${restart}
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'a',
    'the reducer is lost',
    `ready
    c > SUBMIT_REDUCE_JOB_BACKGROUND f '' reducer '' s1
    c < JOB_CREATED H:1 ${restart}
    w > CAN_DO f
    w > GRAB_JOB_ALL
    w < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'a',
    'a job that nobody has submitted',
    `${submitted}
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:2 f '' s2`,
  ],
  [
    'b',
    'a completion that a later acknowledgement covers comes back',
    `${assigned}
    w > WORK_COMPLETE H:1 r1
    w > SUBMIT_JOB_BG f '' s2
    w < JOB_CREATED H:2 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091 H:2%090%090%091`,
  ],
  [
    'b',
    'the same with a failure, found by a worker',
    `${assigned}
    w > WORK_FAIL H:1
    w > SUBMIT_JOB_HIGH_BG f '' s2
    w < JOB_CREATED H:2 ${restart}
    v > CAN_DO f
    v > GRAB_JOB_UNIQ
    v < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'b',
    'the same with a cancellation as the acknowledgement',
    `${assigned}
    c > SUBMIT_JOB_BG f '' s2
    c < JOB_CREATED H:2
    w > WORK_EXCEPTION H:1 r1
    w > cancel job H:2
    w < OK ${restart}
    i > GET_STATUS H:1
    i < STATUS_RES H:1 1 0 0 0`,
  ],
  [
    'b',
    'the server had taken it before it was asked for what another was acknowledged',
    `${assigned}
    w > WORK_COMPLETE H:1 r1
    w > ECHO_REQ e1
    w < ECHO_RES e1
    c > SUBMIT_JOB_BG f '' s2
    c < JOB_CREATED H:2 ${restart}
    i > GET_STATUS H:1
    i < STATUS_RES H:1 1 0 0 0`,
  ],
  [
    'b',
    'a job that somebody was told of as finished comes back',
    `${unique}
    d > SUBMIT_JOB f u s2
    d < JOB_CREATED H:1
    w > CAN_DO f
    w > GRAB_JOB
    w < JOB_ASSIGN H:1 f s1
    w > WORK_COMPLETE H:1 r1
    d < WORK_COMPLETE H:1 r1 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091`,
  ],
  [
    'b',
    'a cancelled job comes back',
    `${submitted}
    i > cancel job H:1
    i < OK ${restart}
    i > GET_STATUS H:1
    i < STATUS_RES H:1 1 0 0 0`,
  ],
  [
    'b',
    'a job that was cancelled while a worker had it is given to another',
    `${assigned}
    i > cancel job H:1
    i < OK
    w leaves
    v > CAN_DO f
    v > GRAB_JOB_UNIQ
    v < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'b',
    'a job that was gone after one restart is back after the next',
    `${assigned}
    w > WORK_COMPLETE H:1 r1 ${restart}
    i > show jobs
    i < TABLE ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091`,
  ],
  [
    'b',
    'a job comes back that ended so long ago that only its handle is remembered',
    `${submitted}
    i > cancel job H:1
    i < OK ${restart} ${restart} ${restart} ${restart} ${restart}
    j > show jobs
    j < TABLE H:1%090%090%091`,
  ],
  [
    'b',
    'a unique is known although its job was cancelled',
    `${unique}
    i > cancel job H:1
    i < OK ${restart}
    i > GET_STATUS_UNIQUE u
    i < STATUS_RES_UNIQUE u 1 0 0 0 0`,
  ],
  [
    'b',
    'a foreground job is there after a restart',
    `ready
    c > SUBMIT_JOB f '' s1
    c < JOB_CREATED H:1 ${restart}
    i > GET_STATUS H:1
    i < STATUS_RES H:1 1 0 0 0`,
  ],
  [
    'c',
    'one handle for two jobs',
    `${submitted}
    c > SUBMIT_JOB_BG f '' s2
    c < JOB_CREATED H:1`,
  ],
  [
    'c',
    'one handle for two uniques',
    `${unique}
    c > SUBMIT_JOB_BG f v s2
    c < JOB_CREATED H:1`,
  ],
  [
    'c',
    'one handle for one unique in two functions',
    `${unique}
    c > SUBMIT_JOB_BG g u s2
    c < JOB_CREATED H:1`,
  ],
  [
    'c',
    'a handle of a foreground job comes again after a restart',
    `ready
    c > SUBMIT_JOB f '' s1
    c < JOB_CREATED H:1 ${restart}
    c > SUBMIT_JOB f '' s2
    c < JOB_CREATED H:1`,
  ],
  [
    'c',
    'the handle of a job that nobody was told of, and that a worker had, is given to another',
    `ready
    c > SUBMIT_JOB_BG f '' s1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1 ${restart}
    d > SUBMIT_JOB_BG f '' s2
    d < JOB_CREATED H:1`,
  ],
  [
    'c',
    'a job is answered with another handle than a worker got it with',
    `ready
    c > SUBMIT_JOB_BG f '' s1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1
    c < JOB_CREATED H:2`,
  ],
  [
    'c',
    'an old handle is given out when only its number is remembered',
    `${submitted}
    i > cancel job H:1
    i < OK ${restart} ${restart} ${restart} ${restart} ${restart}
    d > SUBMIT_JOB_BG f '' s2
    d < JOB_CREATED H:1`,
  ],
  [
    'c',
    'more jobs than were submitted',
    `${submitted} ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091 H:2%090%090%091`,
  ],
  [
    'c',
    'a handle twice in one table',
    `${submitted}
    i > show jobs
    i < TABLE H:1%090%090%091 H:1%090%090%091`,
  ],
  [
    'c',
    'an empty workload is no key',
    `ready
    c > SUBMIT_JOB_BG f - ''
    c < JOB_CREATED H:1
    c > SUBMIT_JOB_BG f - ''
    c < JOB_CREATED H:1`,
  ],
  [
    'c',
    'different workloads as keys',
    `ready
    c > SUBMIT_JOB_BG f - s1
    c < JOB_CREATED H:1
    c > SUBMIT_JOB_BG f - s2
    c < JOB_CREATED H:1`,
  ],
  [
    'd',
    'a unique of two jobs',
    `${unique}
    c > SUBMIT_JOB_BG f u s2
    c < JOB_CREATED H:2`,
  ],
  [
    'd',
    'a unique of two jobs after a restart',
    `${unique} ${restart}
    c > SUBMIT_JOB_BG f u s2
    c < JOB_CREATED H:2`,
  ],
  [
    'd',
    'a unique of two jobs that were submitted at a time',
    `ready
    c > SUBMIT_JOB_BG f u s1
    d > SUBMIT_JOB_BG f u s2
    c < JOB_CREATED H:1
    d < JOB_CREATED H:2`,
  ],
  [
    'd',
    'a foreground submission does not join',
    `${unique} ${restart}
    d > SUBMIT_JOB f u s2
    d < JOB_CREATED H:2`,
  ],
  [
    'd',
    'equal workloads as keys',
    `ready
    c > SUBMIT_JOB_BG f - s1
    c < JOB_CREATED H:1 ${restart}
    c > SUBMIT_JOB_BG f - s1
    c < JOB_CREATED H:2`,
  ],
  [
    'd',
    'a unique whose job was cancelled is joined',
    `${unique}
    i > cancel job H:1
    i < OK
    c > SUBMIT_JOB_BG f u s2
    c < JOB_CREATED H:1`,
  ],
  [
    'd',
    'a unique whose job was finished is joined',
    `${unique}
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f u s1
    w > WORK_COMPLETE H:1 r1
    w > ECHO_REQ e1
    w < ECHO_RES e1
    c > SUBMIT_JOB_BG f u s2
    c < JOB_CREATED H:1`,
  ],
  [
    'e',
    'before its time',
    `ready
    c > SUBMIT_JOB_EPOCH f '' 100 s1
    c < JOB_CREATED H:1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    99900 w < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'e',
    'before its time, after a restart',
    `ready
    c > SUBMIT_JOB_EPOCH f '' 100 s1
    c < JOB_CREATED H:1 ${restart}
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'f',
    'status counts too few',
    `${submitted} ${restart}
    i > status
    i < TABLE f%090%090%090`,
  ],
  [
    'f',
    'status does not name the function',
    `${submitted} ${restart}
    i > status
    i < TABLE`,
  ],
  [
    'f',
    'status counts too many',
    `${submitted} ${restart}
    i > status
    i < TABLE f%092%090%090`,
  ],
  [
    'f',
    'status counts a job as running after a restart',
    `${assigned} ${restart}
    i > status
    i < TABLE f%091%091%090`,
  ],
  [
    'f',
    'a priority is lost',
    `ready
    c > SUBMIT_JOB_HIGH_BG f '' s1
    c < JOB_CREATED H:1 ${restart}
    i > prioritystatus
    i < TABLE f%090%091%090%090`,
  ],
  [
    'g',
    'a job is given to a second worker while the first has it',
    `${assigned}
    v > CAN_DO f
    v > GRAB_JOB_UNIQ
    v < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'g',
    'a job is given out again by the server that was told of its end',
    `${assigned}
    w > WORK_COMPLETE H:1 r1
    w > GRAB_JOB_UNIQ
    w < NO_JOB
    w leaves
    v > CAN_DO f
    v > GRAB_JOB_UNIQ
    v < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'h',
    'a submission is refused',
    `ready
    c > SUBMIT_JOB_BG f '' s1
    c < ERROR QUEUE_ERROR Job%20queue%20is%20full`,
  ],
  [
    'h',
    'answers out of order',
    `ready
    c > SUBMIT_JOB_BG f '' s1
    c > ECHO_REQ e1
    c < ECHO_RES e1`,
  ],
  [
    'h',
    'an answer to nothing',
    `ready
    c < JOB_CREATED H:1`,
  ],
  [
    'h',
    'a worker is refused what it says of its own job',
    `${assigned}
    w > WORK_COMPLETE H:1 r1
    w < ERROR JOB_NOT_FOUND ''`,
  ],
  [
    'h',
    'a result that no worker has given',
    `ready
    c > SUBMIT_JOB f '' s1
    c < JOB_CREATED H:1
    w > CAN_DO f
    w > GRAB_JOB
    w < JOB_ASSIGN H:1 f s1
    w > WORK_COMPLETE H:1 r1
    c < WORK_COMPLETE H:1 r2`,
  ],
  [
    'h',
    'an end that is told twice',
    `ready
    c > SUBMIT_JOB f '' s1
    c < JOB_CREATED H:1
    i > cancel job H:1
    i < OK
    c < WORK_FAIL H:1
    c < WORK_FAIL H:1`,
  ],
  [
    'h',
    'a job of a function that the worker can not do',
    `${submitted}
    w > CAN_DO g
    w > GRAB_JOB
    w < JOB_ASSIGN H:1 f s1`,
  ],
]

const kept: readonly (readonly [what: string, history: string])[] = [
  ['nothing happens', 'ready'],
  [
    'a job is run, and again since its end may not have been on disk',
    `${assigned}
    w > WORK_COMPLETE H:1 r1
    w > ECHO_REQ e1
    w < ECHO_RES e1 ${restart}
    v > CAN_DO f
    v > GRAB_JOB_UNIQ
    v < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'a job is run, and gone although nobody was told so',
    `${assigned}
    w > WORK_COMPLETE H:1 r1 ${restart}
    i > show jobs
    i < TABLE`,
  ],
  [
    'a later acknowledgement covers only what came before it',
    `${assigned}
    w > SUBMIT_JOB_BG f '' s2
    w > WORK_COMPLETE H:1 r1
    w < JOB_CREATED H:2 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091 H:2%090%090%091`,
  ],
  [
    'a foreground submission covers nothing',
    `${assigned}
    w > WORK_COMPLETE H:1 r1
    w > SUBMIT_JOB f '' s2
    w < JOB_CREATED H:2 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091`,
  ],
  [
    'a worker is lost, and its job runs again with another',
    `${assigned}
    w leaves
    v > CAN_DO f
    v > GRAB_JOB_UNIQ
    v < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'a worker gives its job back',
    `${assigned}
    w > CANT_DO f
    v > CAN_DO f
    v > GRAB_JOB_UNIQ
    v < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
  [
    'a submission without an answer is there after a restart, or is not',
    `ready
    c > SUBMIT_JOB_BG f '' s1
    c > SUBMIT_JOB_BG f '' s2 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s2
    w > WORK_COMPLETE H:1 r1
    w > GRAB_JOB_UNIQ
    w < NO_JOB`,
  ],
  [
    'a submission joins one that was never answered',
    `ready
    c > SUBMIT_JOB_BG f u s1 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091
    d > SUBMIT_JOB_BG f u s2
    d < JOB_CREATED H:1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f u s1`,
  ],
  [
    'a foreground job may last if a background submission has joined it and was not answered',
    `ready
    c > SUBMIT_JOB f u s1
    c < JOB_CREATED H:1
    d > SUBMIT_JOB_BG f u s2 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091`,
  ],
  [
    'a foreground submission joins a background one of before that was never answered',
    `ready
    c > SUBMIT_JOB_BG f u s1 ${restart}
    d > SUBMIT_JOB f u s2
    d < JOB_CREATED H:1 ${restart}
    i > show jobs
    i < TABLE H:1%090%090%091`,
  ],
  [
    'a worker speaks of a job that it is just being given',
    `ready
    c > SUBMIT_JOB f '' s1
    c < JOB_CREATED H:1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w > WORK_COMPLETE H:1 stale
    w < JOB_ASSIGN_UNIQ H:1 f '' s1
    w > WORK_FAIL H:1
    w < ERROR JOB_NOT_FOUND ''
    c < WORK_COMPLETE H:1 stale`,
  ],
  [
    'a worker speaks of a job that it has given back, and gets again',
    `ready
    c > SUBMIT_JOB f '' s1
    c < JOB_CREATED H:1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1
    w > CANT_DO f
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w > WORK_COMPLETE H:1 early
    w < JOB_ASSIGN_UNIQ H:1 f '' s1
    w > WORK_COMPLETE H:1 late
    c < WORK_COMPLETE H:1 late`,
  ],
  [
    'a worker that has given its job back and left is given it again when another has left, and what it said ends it',
    `${givenBack}
    w > GRAB_JOB_UNIQ
    w > WORK_COMPLETE H:1 r1
    w leaves ${leftByAnother} ${restart}
    i > show jobs
    i < TABLE`,
  ],
  [
    'the same, and its submitter is told',
    `ready
    c > SUBMIT_JOB f '' s1
    c < JOB_CREATED H:1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1
    w > CANT_DO f
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w > WORK_COMPLETE H:1 r1
    w leaves ${leftByAnother}
    c < WORK_COMPLETE H:1 r1`,
  ],
  [
    'a worker has a job before its submitter hears of it',
    `ready
    c > SUBMIT_JOB_BG f '' s1
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1
    c < JOB_CREATED H:1`,
  ],
  [
    'a job is given out while it is cancelled',
    `${submitted}
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    i > cancel job H:1
    i < OK
    w < JOB_ASSIGN_UNIQ H:1 f '' s1
    w > WORK_COMPLETE H:1 r1
    w > ECHO_REQ e1
    w < ECHO_RES e1`,
  ],
  [
    'a client joins a job that ends before it hears of it',
    `${unique}
    d > SUBMIT_JOB f u s2
    i > cancel job H:1
    i < OK
    d < JOB_CREATED H:1
    d < WORK_FAIL H:1`,
  ],
  [
    'each submission is told of the end',
    `ready
    c > SUBMIT_JOB f u s1
    c > SUBMIT_JOB f u s2
    c < JOB_CREATED H:1
    c < JOB_CREATED H:1
    i > cancel job H:1
    i < OK
    c < WORK_FAIL H:1
    c < WORK_FAIL H:1`,
  ],
  [
    'a unique that ended gets a new handle',
    `${unique}
    i > cancel job H:1
    i < OK
    c > SUBMIT_JOB_BG f u s2
    c < JOB_CREATED H:2`,
  ],
  [
    'a stale word is dropped',
    `${assigned}
    v > WORK_COMPLETE H:1 r1
    v > ECHO_REQ e1
    v < ECHO_RES e1
    i > status
    i < TABLE f%091%091%091`,
  ],
  [
    'a job whose time has come while the server was down',
    `ready
    c > SUBMIT_JOB_EPOCH f '' 100 s1
    c < JOB_CREATED H:1
    99000 killed
    101000 ready
    w > CAN_DO f
    w > GRAB_JOB_UNIQ
    w < JOB_ASSIGN_UNIQ H:1 f '' s1`,
  ],
]

describe('a history that breaks a rule is found out', () => {
  for (const [rule, what, history] of broken) {
    it(`${rule}: ${what}`, () => {
      const { fault, isLast } = judge(history)
      assert.equal(fault?.rule, rule, fault?.text ?? 'no fault was found')
      assert.ok(isLast, `found before the end: ${fault.text}`)
    })
  }
})

describe('a history that breaks none is let pass', () => {
  for (const [what, history] of kept) it(what, () => assert.equal(judge(history).fault, undefined))
})

describe('what a server owes', () => {
  const rows: readonly (readonly [what: string, history: string, owed: RegExp | undefined])[] = [
    ['nothing', submitted, undefined],
    ['an answer', 'ready\nc > ECHO_REQ e1', /^c has no answer to ECHO_REQ e1$/],
    ['no answer to a worker', 'ready\nw > CAN_DO f\nw > PRE_SLEEP', undefined],
    ['nothing when it is dead', 'ready\nc > ECHO_REQ e1\nkilled', undefined],
    [
      'an end to a client that waits',
      'ready\nc > SUBMIT_JOB f u s1\nc < JOB_CREATED H:1\ni > cancel job H:1\ni < OK',
      /^c is not told that H:1 has ended$/,
    ],
  ]
  for (const [what, history, owed] of rows) {
    it(what, () => {
      const { ledger } = judge(history)
      if (owed === undefined) assert.equal(ledger.owed(), undefined)
      else assert.match(ledger.owed() ?? '', owed)
    })
  }

  it('a job that is due', () => {
    const { ledger } = judge(`ready\nc > SUBMIT_JOB_EPOCH f '' 100 s1\nc < JOB_CREATED H:1`)
    assert.equal(ledger.jobs.due(99_999), undefined)
    assert.equal(ledger.jobs.due(100_000)?.handle, 'H:1')
    assert.equal(judge(assigned).ledger.jobs.due(1000), undefined)
    assert.equal(judge(`${assigned}\nw leaves`).ledger.jobs.due(1000)?.handle, 'H:1')
  })
})

it('a fault tells the history of its job, and nothing of others', () => {
  const { fault } = judge(`${submitted}
    c > SUBMIT_JOB_BG f '' s2
    c < JOB_CREATED H:2 ${restart}
    i > GET_STATUS H:1
    i < STATUS_RES H:1 0 0 0 0`)
  const lines = fault?.history.map(({ what }) => (typeof what === 'string' ? what : showEvent(what, 1000)))
  assert.deepEqual(lines, [
    '0 ready',
    "0 c > SUBMIT_JOB_BG f '' s1",
    '0 c < JOB_CREATED H:1',
    '0 killed',
    '0 ready',
    '0 i < STATUS_RES H:1 0 0 0 0',
  ])
})

it('an event can be read as it is shown', () => {
  const words = ['caf\xe9', '', '%', "'", 'a b', 'tab\there', 'x\0y']
  for (const name of ['SUBMIT_JOB_BG', 'cancel job', 'TABLE']) {
    const event = { kind: 'sends', atMs: 17, peer: 'p1', message: message(name, ...words) } as const
    assert.deepEqual(readEvent(showEvent(event), 0), event)
  }
  for (const line of ['5 ready', '6 killed', '7 p1 leaves']) assert.equal(showEvent(readEvent(line, 0)), line)
  assert.throws(() => readEvent('p1 says hello', 0), /not an event/)
})

it('a workload is read back into its name, and one that was changed is not', () => {
  for (const name of ['', 's1', 's1+32', 's123+100000', 'same+3000']) {
    const workload = workloadOf(name)
    assert.equal(workload.length, Number(name.split('+')[1] ?? name.length))
    assert.equal(nameOf(workload), name)
    if (workload !== '') assert.match(nameOf(`${workload.slice(0, -1)}\0`), /^damaged-/)
    if (name.includes('+')) assert.match(nameOf(workload.slice(0, -1)), /^damaged-/)
  }
})

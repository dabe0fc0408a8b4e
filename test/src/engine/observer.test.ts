import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DurableRules, performDurably } from './durable-rules.ts'
import { EngineRules } from './engine-rules.ts'
import { performWithPolicies } from './policy-rules.ts'

/** What an observer sees of these commands. */
function seenOf(lines: readonly string[]): string[] {
  const rules = new EngineRules({})
  return watch(rules, () => {
    for (const line of lines) performWithPolicies(line, rules)
  })
}

/** The same with a store. */
function seenDurably(lines: readonly string[]): string[] {
  const rules = new DurableRules({})
  return watch(rules, () => {
    for (const line of lines) performDurably(line, rules)
  })
}

function watch({ tally }: EngineRules, act: () => void): string[] {
  const seen: string[] = []
  tally.onSeen = (line) => seen.push(line)
  act()
  return seen
}

suite('an observer sees', () => {
  const rows: readonly [title: string, lines: readonly string[], seen: readonly string[]][] = [
    [
      'a job from its submission to its result',
      [
        'wes CAN_DO f',
        'ann SUBMIT_JOB f u x',
        'bob SUBMIT_JOB f u x',
        'at 20',
        'wes GRAB_JOB',
        'wes WORK_STATUS #1 1 4',
        'wes WORK_DATA #1 some',
        'wes WORK_WARNING #1 hot',
        'at 50',
        'wes WORK_COMPLETE #1 done',
      ],
      [
        '#1 submitted to f',
        'one of f joined',
        '#1 given out after 20',
        '#1 1/4',
        '#1 sends some',
        '#1 warns hot',
        '#1 ended, complete after 30: done',
      ],
    ],
    [
      'attempts, and the wait between them, which is none for a worker',
      [
        'policy f attempts=3 backoffFirstMs=100 backoffFactor=1 backoffJitter=0',
        'wes CAN_DO f',
        'ann SUBMIT_JOB_BG f u x',
        'wes GRAB_JOB',
        'at 5',
        'wes WORK_EXCEPTION #1 boom',
        'at 105',
        'at 108',
        'wes GRAB_JOB',
        'wes CANT_DO f',
        'wes CAN_DO f',
        'at 300',
        'wes GRAB_JOB',
        'wes WORK_EXCEPTION #1 bang',
      ],
      [
        '#1 submitted to f, background',
        '#1 given out after 0',
        '#1 exception after 5, again in 100',
        '#1 given out after 3',
        '#1 lost after 0, again in 100',
        '#1 given out after 92',
        '#1 ended, exception after 0, dead: bang',
      ],
    ],
    [
      'what gearmand does with a job that is lost, fails, or takes too long',
      [
        'wes CAN_DO_TIMEOUT f 1000',
        'ann SUBMIT_JOB f u x',
        'wes GRAB_JOB',
        'at 1000',
        'wes GRAB_JOB',
        'at 1100',
        'wes WORK_FAIL #1',
      ],
      [
        '#1 submitted to f',
        '#1 given out after 0',
        '#1 timeout after 1000, again in 0',
        '#1 given out after 0',
        '#1 ended, failed after 100',
      ],
    ],
    [
      "a timeout of the policy's, which is final",
      ['policy f timeoutMs=70', 'wes CAN_DO f', 'ann SUBMIT_JOB f u x', 'wes GRAB_JOB', 'at 70'],
      ['#1 submitted to f', '#1 given out after 0', '#1 ended, timeout after 70'],
    ],
    [
      'jobs that nobody waits for any more, that are cancelled, that come too late',
      [
        'ann SUBMIT_JOB f u x',
        'ann leaves',
        'bob SUBMIT_JOB_BG f u x',
        'cancel #2',
        'wes CAN_DO f',
        'bob SUBMIT_JOB f u x',
        'wes GRAB_JOB',
        'at 9',
        'bob leaves',
        'wes leaves',
        'bob SUBMIT_WITH f v x ttlMs=50',
        'bob SUBMIT_WITH f w x ttlMs=50 deadMax=0',
        'at 100',
      ],
      [
        '#1 submitted to f',
        '#1 ended, abandoned',
        '#2 submitted to f, background',
        '#2 ended, cancelled',
        '#3 submitted to f',
        '#3 given out after 0',
        '#3 ended, abandoned after 9',
        '#4 submitted to f, background',
        '#5 submitted to f, background',
        '#4 ended, expired, dead',
        '#5 ended, expired',
      ],
    ],
    [
      'the wait of a delayed job from its time on, or since somebody said that it need not wait',
      [
        'wes CAN_DO f',
        'ann SUBMIT_JOB_EPOCH f u 500 x',
        'ann SUBMIT_JOB_EPOCH f v 900 x',
        'at 600',
        'run #2',
        'at 610',
        'wes GRAB_JOB',
        'wes GRAB_JOB',
      ],
      [
        '#1 submitted to f, background',
        '#2 submitted to f, background',
        '#1 given out after 110',
        '#2 given out after 10',
      ],
    ],
    [
      'no submission that was refused',
      ['maxqueue f 1', 'ann SUBMIT_JOB_BG f u x', 'ann SUBMIT_JOB_BG f v x', 'drain', 'ann SUBMIT_JOB_BG f w x'],
      ['#1 submitted to f, background'],
    ],
    [
      'what is sent on, and what counts as done',
      [
        'policy f uniqueForMs=1000 then=g',
        'wes CAN_DO f',
        'ann SUBMIT_JOB_BG f u x',
        'wes GRAB_JOB',
        'wes WORK_COMPLETE #1 r',
        'ann SUBMIT_JOB_BG f u x',
      ],
      [
        '#1 submitted to f, background',
        '#1 given out after 0',
        '#2 submitted to g, background',
        '#1 ended, complete after 0: r',
        'one of f joined',
      ],
    ],
  ]
  for (const [title, lines, seen] of rows) test(title, () => assert.deepEqual(seenOf(lines), seen))
})

suite('an observer sees, with a store', () => {
  const rows: readonly [title: string, lines: readonly string[], seen: readonly string[]][] = [
    [
      'jobs when they are kept, and not those that could not be',
      [
        'ann SUBMIT_JOB_BG f u x',
        'ann SUBMIT_JOB_EPOCH f v 900 x',
        'settle',
        'commit fails',
        'wes CAN_DO g',
        'ann SUBMIT_JOB_BG f u x',
        'ann SUBMIT_JOB_BG g u x',
        'settle',
        'commit',
        'ann SUBMIT_JOB_BG f u y',
        'ann SUBMIT_JOB f u y',
        'settle',
        'commit',
      ],
      ['#3 submitted to f, background', '#4 submitted to g, background', 'one of f joined', 'one of f joined'],
    ],
    [
      'how long a job has waited on disk, after a restart too',
      [
        'ann SUBMIT_JOB_BG f u x',
        'ann SUBMIT_JOB_EPOCH f v 300 x',
        'settle',
        'commit',
        'at 300',
        'settle',
        'commit',
        'crash',
        'at 1000',
        'wes CAN_DO f',
        'settle',
        'commit',
        'wes GRAB_JOB',
        'wes GRAB_JOB',
      ],
      [
        '#1 submitted to f, background',
        '#2 submitted to f, background',
        '#1 given out after 1000',
        '#2 given out after 700',
      ],
    ],
    [
      'the end of jobs that are on disk alone',
      [
        'policy f ttlMs=500',
        'ann SUBMIT_JOB_BG f u x',
        'ann SUBMIT_JOB_BG f v x',
        'settle',
        'commit',
        'bob SUBMIT_JOB f v x',
        'settle',
        'commit',
        'cancel #2',
        'settle',
        'commit',
        'ann SUBMIT_WITH f w x deadMax=0',
        'at 500',
        'settle',
        'commit',
        'settle',
        'commit',
      ],
      [
        '#1 submitted to f, background',
        '#2 submitted to f, background',
        'one of f joined',
        '#2 of f ended on disk, cancelled',
        '#4 submitted to f, background',
        '#1 of f ended on disk, expired, dead',
        '#4 of f ended on disk, expired',
      ],
    ],
    [
      'an attempt that has ended before a job goes to disk, and the next one when it has come back',
      [
        'policy f attempts=2 backoffFirstMs=100 backoffJitter=0',
        'wes CAN_DO f',
        'ann SUBMIT_JOB_BG f u x',
        'settle',
        'commit',
        'wes GRAB_JOB',
        'wes WORK_FAIL #1',
        'settle',
        'commit',
        'at 100',
        'settle',
        'commit',
        'settle',
        'commit',
        'at 130',
        'wes GRAB_JOB',
        'wes WORK_COMPLETE #1 r',
      ],
      [
        '#1 submitted to f, background',
        '#1 given out after 0',
        '#1 failed after 0, again in 100',
        '#1 given out after 30',
        '#1 ended, complete after 0: r',
      ],
    ],
    [
      'a foreground job that waits for the store to answer',
      [
        'ann SUBMIT_JOB_BG f u x',
        'settle',
        'commit',
        'bob SUBMIT_JOB f v x',
        'cid SUBMIT_JOB f w x',
        'cid leaves',
        'settle',
        'commit',
      ],
      ['#1 submitted to f, background', '#2 submitted to f'],
    ],
    [
      'a job that runs, and that the store takes in because a background submission has joined it',
      [
        'wes CAN_DO f',
        'ann SUBMIT_JOB f u x',
        'wes GRAB_JOB',
        'bob SUBMIT_JOB_BG f u x',
        'settle',
        'commit',
        'at 7',
        'wes WORK_COMPLETE #1 r',
      ],
      ['#1 submitted to f', '#1 given out after 0', 'one of f joined', '#1 ended, complete after 7: r'],
    ],
  ]
  for (const [title, lines, seen] of rows) test(title, () => assert.deepEqual(seenDurably(lines), seen))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AdminCommand, parseAdminLine } from '@geartrain/protocol'

const close: AdminCommand = { name: 'close' }
const showArguments = refused('UNKNOWN_SHOW_ARGUMENTS')
const cancelError = refused('UNKNOWN_ERROR')

const rows: [line: string, command: AdminCommand][] = [
  ['version', { name: 'version' }],
  ['getpid', { name: 'getpid' }],
  ['verbose', { name: 'verbose' }],
  ['status', { name: 'status' }],
  ['prioritystatus', { name: 'prioritystatus' }],
  ['workers', { name: 'workers' }],
  // In any case, with any blanks between words, with more words than it needs.
  ['STATUS', { name: 'status' }],
  ['PriorityStatus', { name: 'prioritystatus' }],
  ['version ', { name: 'version' }],
  ['version   x', { name: 'version' }],
  ['status a b c d', { name: 'status' }],

  ['show jobs', { name: 'show jobs' }],
  ['SHOW   Jobs', { name: 'show jobs' }],
  ['show unique jobs', { name: 'show unique jobs' }],
  ['show Unique JOBS', { name: 'show unique jobs' }],
  ['show', unknown('show')],
  ['show ', showArguments],
  ['show foo', showArguments],
  ['show unique', showArguments],
  ['show unique x', showArguments],
  ['show jobs x', showArguments],
  ['show jobs ', showArguments],
  ['show unique jobs x', showArguments],

  ['cancel job H:vm:1', { name: 'cancel job', handle: 'H:vm:1' }],
  ['Cancel JOB H:VM:1', { name: 'cancel job', handle: 'H:VM:1' }],
  ['cancel job ', { name: 'cancel job', handle: '' }],
  ['cancel', unknown('cancel')],
  ['Cancel', unknown('Cancel')],
  ['cancel ', unknown('cancel')],
  ['cancel job', unknown('cancel')],
  ['cancel foo', unknown('cancel')],
  ['cancel foo bar', cancelError],
  ['cancel job a b', cancelError],

  ['create function bar', { name: 'create function', function: 'bar' }],
  ['CREATE Function Bar', { name: 'create function', function: 'Bar' }],
  ['create function pre\tbar', { name: 'create function', function: 'pre\tbar' }],
  ['create', incomplete('create')],
  ['CREATE', incomplete('CREATE')],
  ['create function', incomplete('create')],
  ['create x y', incomplete('create')],
  ['create function a b', incomplete('create')],

  ['drop function bar', { name: 'drop function', function: 'bar' }],
  ['drop FUNCTION Bar', { name: 'drop function', function: 'Bar' }],
  ['drop', incomplete('drop')],
  ['drop function', incomplete('drop')],
  ['Drop function', incomplete('Drop')],
  ['drop x y', incomplete('drop')],
  ['drop function a b', incomplete('drop')],

  ['maxqueue', incomplete('maxqueue')],
  ['MaxQueue', incomplete('MaxQueue')],
  ['maxqueue f', maxqueue('f', 0, 0, 0)],
  ['maxqueue f 7', maxqueue('f', 7, 7, 7)],
  ['maxqueue f 7 8', maxqueue('f', 7, 8, 0)],
  ['maxqueue f 7 8 9', maxqueue('f', 7, 8, 9)],
  ['maxqueue f 7 8 9 10', close],
  ['maxqueue f 0', maxqueue('f', 0, 0, 0)],
  ['maxqueue f -1', maxqueue('f', 0, 0, 0)],
  ['maxqueue f many', maxqueue('f', 0, 0, 0)],
  ['maxqueue f 12abc', maxqueue('f', 12, 12, 12)],
  ['maxqueue f -1 5 x', maxqueue('f', 0, 5, 0)],
  ['MAXQUEUE F 1', maxqueue('F', 1, 1, 1)],

  ['', unknown('')],
  [' ', unknown('')],
  ['foo', unknown('foo')],
  ['FOO bar', unknown('FOO')],
  ['shutdown', unknown('shutdown')],
  ['shutdown graceful', unknown('shutdown')],
  // A blank before the first word makes an empty word of its own; a tab is a letter like any other.
  [' version', unknown('')],
  ['getpid\t', unknown('getpid\t')],
  ['version\r', unknown('version\r')],
  ['\xe9', unknown('\xe9')],
  ['constructor', unknown('constructor')],
  ['__proto__', unknown('__proto__')],

  // Six words, empty ones at either end among them.
  ['a b c d e', unknown('a')],
  ['a b c d e f', close],
  ['status b c d e f', close],
  [' a b c d', unknown('')],
  [' a b c d e', close],
  ['a b c d e ', close],
]

for (const [line, command] of rows) {
  test(JSON.stringify(line), () => assert.deepEqual(parseAdminLine(line), command))
}

function refused(text: string): AdminCommand {
  return { name: 'refused', answer: `ERR ${text}\r\n` }
}

function unknown(word: string): AdminCommand {
  return refused(`UNKNOWN_COMMAND Unknown+server+command${word}`)
}

function incomplete(word: string): AdminCommand {
  return refused(`INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+${word}`)
}

function maxqueue(name: string, high: number, normal: number, low: number): AdminCommand {
  return { name: 'maxqueue', function: name, limits: { high, normal, low } }
}

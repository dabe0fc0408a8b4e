import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { nameWord, shellWord } from '@geartrain/dashboard/text/shell'

describe('a name in a command to be copied', () => {
  for (const name of [
    'mail.send',
    'a b',
    "it's",
    '$(reboot)',
    '`reboot`',
    'a;b',
    '"',
    '\\',
    '*',
    '=ls',
    '~',
    '#',
    'é😀',
    '',
  ]) {
    test(`${JSON.stringify(name)} is what a shell takes it for`, () => {
      assert.equal(execFileSync('sh', ['-c', `printf %s ${nameWord(name)}`], { encoding: 'utf8' }), name)
    })
  }

  test('that begins with = is quoted, since zsh has a meaning for it', () => assert.equal(shellWord('=ls'), "'=ls'"))

  for (const name of ['--config=/tmp/x', '-', 'a\nb', 'a\x03reboot\r', '\x1b[201~reboot', 'a\u202eb', '\x7f', 'a\tb']) {
    test(`${JSON.stringify(name)} is left for the reader to write`, () => assert.equal(nameWord(name), 'NAME'))
  }
})

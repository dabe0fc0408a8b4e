import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Random } from '../simulation/random.ts'
import { aConversation } from './grammar.ts'
import { mutated } from './mutation.ts'
import { fuzzRound } from './round.ts'

it('a hundred rounds of seeds that stay', async () => {
  for (let seed = 1; seed <= 100; seed++) await fuzzRound(seed)
})

it('a hundred rounds of seeds of the day', async (t) => {
  const first = Date.now() % 1_000_000_000
  t.diagnostic(`from seed ${first} on`)
  for (let seed = first; seed < first + 100; seed++) await fuzzRound(seed)
})

it('the same seed says the same', () => {
  const say = (seed: number) => {
    const random = new Random(seed)
    return mutated(aConversation(random, 50), random).toString('hex')
  }
  assert.equal(say(7), say(7))
  assert.notEqual(say(7), say(8))
})

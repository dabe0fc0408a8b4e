import type { Link } from '../link.ts'
import { durability } from './durability.ts'
import { type Finding, topics } from './finding.ts'
import { gather } from './gather.ts'
import { setting } from './setting.ts'
import { upkeep } from './upkeep.ts'

/** Looks at a database in which servers keep jobs, and says what is wrong with it, and what the loss of a machine would cost. */
export async function diagnose(link: Link, isTls: boolean): Promise<Finding[]> {
  const facts = await gather(link, isTls)
  const findings = [...setting(facts), ...durability(facts), ...upkeep(facts)]
  return findings.sort((one, other) => topics.indexOf(one.topic) - topics.indexOf(other.topic))
}

import type { Facts, Standby } from './facts.ts'
import type { Finding } from './finding.ts'

/** What is lost when a machine is: in words for whoever decides whether that is all right. */
export function durability(facts: Facts): Finding[] {
  const findings = ['fsync', 'full_page_writes'].filter((name) => facts.settings.get(name) === 'off').map(isOff)
  return [...findings, ...commits(facts), machineLoss(facts)]
}

function isOff(name: string): Finding {
  return {
    topic: 'durability',
    level: 'problem',
    text: `${name} is off: when the database's machine loses power, the whole database may be lost, not only the last moments.`,
    advice: `ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf();`,
  }
}

/** Whether a commit that is answered is on the disk. */
function commits({ settings }: Facts): Finding[] {
  const level = settings.get('synchronous_commit')
  if (level === 'off') {
    return [
      {
        topic: 'durability',
        level: 'problem',
        text:
          'synchronous_commit is off: JOB_CREATED is sent before the job is on disk. A crash of the database loses what was ' +
          'acknowledged in about the last half second.',
        advice: 'ALTER ROLE CURRENT_USER SET synchronous_commit = on; or, with standbys, remote_write or remote_apply',
      },
    ]
  }
  if (level !== 'local') return []
  return [
    {
      topic: 'durability',
      level: 'warning',
      text: 'synchronous_commit is local: commits do not wait for any standby, whatever synchronous_standby_names says.',
      advice: 'ALTER ROLE CURRENT_USER SET synchronous_commit = on;',
    },
  ]
}

/** What the loss of one machine would cost. */
function machineLoss(facts: Facts): Finding {
  const { settings, standbys, maySeeStandbys } = facts
  const names = settings.get('synchronous_standby_names') ?? ''
  const level = settings.get('synchronous_commit')
  const waits = names !== '' && level !== 'off' && level !== 'local'
  if (!maySeeStandbys && standbys.length > 0) {
    return {
      topic: 'durability',
      level: 'note',
      text: `There are standbys (${standbys.length}), and this user may not see whether they are in step.`,
      advice: 'GRANT pg_monitor TO this user, and ask again',
    }
  }
  const synchronous = standbys.filter(({ syncState }) => syncState === 'sync' || syncState === 'quorum')
  if (waits) return withQuorum(names, level ?? 'on', synchronous, standbys)
  if (standbys.length > 0) {
    return {
      topic: 'durability',
      level: 'warning',
      text:
        `The standbys (${list(standbys)}) follow, and no commit waits for them. If the primary's machine is lost for good, ` +
        `what was acknowledged in the last moments (${lag(standbys)}) is lost with it.`,
      advice: `ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (${standbys.map(({ name }) => `"${name}"`).join(', ')})'; SELECT pg_reload_conf();`,
    }
  }
  return {
    topic: 'durability',
    level: 'warning',
    text:
      'There is no standby. If the database stops, all servers wait for it; if its machine or disk is lost for good, all jobs ' +
      'since the last backup are.',
    advice: 'add a standby, and name it in synchronous_standby_names',
  }
}

function withQuorum(
  names: string,
  level: string,
  synchronous: readonly Standby[],
  standbys: readonly Standby[],
): Finding {
  const needed = neededBy(names)
  if (synchronous.length === 0) {
    return {
      topic: 'durability',
      level: 'problem',
      text: `synchronous_standby_names is "${names}", and none of these standbys is there: every commit waits until one is, and with it every submission.`,
      advice: 'bring a standby back, or take the name out of synchronous_standby_names',
    }
  }
  const others = synchronous.length - needed
  const kept =
    `Each commit waits for ${needed === 1 ? 'a standby' : `${needed} standbys`} (of ${list(synchronous)}). If the primary's machine is lost, ` +
    'nothing that was acknowledged is: make the standby the new primary, and servers that know its address go on by themselves.'
  if (level === 'remote_write') {
    return {
      topic: 'durability',
      level: 'note',
      text: `${kept} synchronous_commit is remote_write: if the primary and the standby lose power at once, the last moments are lost.`,
    }
  }
  if (others <= 0) {
    return {
      topic: 'durability',
      level: 'warning',
      text: `${kept} But if a standby stops, every submission waits until it is back: no other could take its place.`,
      advice:
        standbys.length > synchronous.length
          ? 'name the other standbys in synchronous_standby_names too, with ANY'
          : `add another standby, and let any of them do: ANY ${needed} (...)`,
    }
  }
  return {
    topic: 'durability',
    level: 'fine',
    text: `${kept} ${others === 1 ? 'One standby' : `${others} standbys`} may stop, and submissions go on.`,
  }
}

/** How many standbys a commit waits for: `ANY 2 (a, b, c)`, `FIRST 1 (a)`, `2 (a, b)`, or `a, b`, which is one. */
export function neededBy(names: string): number {
  const match = /^\s*(?:(?:ANY|FIRST)\s+)?(\d+)\s*\(/i.exec(names)
  return match === null ? 1 : Number(match[1])
}

function list(standbys: readonly Standby[]): string {
  return standbys.map(({ name }) => name).join(', ')
}

function lag(standbys: readonly Standby[]): string {
  const known = standbys.flatMap(({ lagMs }) => (lagMs === undefined ? [] : [lagMs]))
  return known.length === 0 ? 'nobody can say how many now' : `${Math.min(...known).toFixed(0)} ms behind at present`
}

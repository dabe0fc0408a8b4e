import type { Finding } from '@geartrain/protocol'
import { textOfName } from '../../http/names.ts'
import type { Lasting } from './lasting.ts'
import type { FunctionSymptom, ServerSymptom } from './symptoms.ts'
import { about, commandWith, exactly, jobs, lineOf, nameOf, number } from './words.ts'

/** Of what a store says of its failure, so much is told. */
const messageMax = 500

type Wording = Pick<Finding, 'title' | 'advice'>
/** A command of undefined: there is nothing to type. */
type WordingWithCommand = Wording & { readonly command?: string | undefined }

/**
 * What is told of a symptom. `offsetMs` is what the date is ahead of the engine's time. `isWhole`: to one who may view
 * all functions, and so may know of the server's files.
 */
export function findingOf({ symptom, since, seenAt }: Lasting, offsetMs: number, isWhole: boolean): Finding {
  const { kind, severity } = symptom
  const date = Math.round(since + offsetMs)
  if (!('function' in symptom)) return { kind, severity, since: date, ...serverWording(symptom, isWhole) }
  const { command, ...wording } = functionWording(symptom, seenAt - since)
  return {
    kind,
    severity,
    function: textOfName(symptom.function),
    ...(symptom.kind === 'stuck' ? { handle: textOfName(symptom.handle) } : {}),
    since: date,
    count: symptom.count,
    ...wording,
    ...(command === undefined ? {} : { command }),
  }
}

function functionWording(symptom: FunctionSymptom, lastedMs: number): WordingWithCommand {
  const { function: wire, count } = symptom
  const name = nameOf(wire)
  switch (symptom.kind) {
    case 'no worker':
      return {
        title: `${name} has ${jobs(count)} and no worker`,
        advice: `Nobody has been there to do them for ${about(lastedMs)}. Start a worker for it, or find out why those that it had have left.`,
      }
    case 'paused': {
      const alone = symptom.workers === 0 ? ' It has no worker either.' : ''
      return {
        title: `${name} is paused, and ${jobs(count)} ${count === 1 ? 'waits' : 'wait'}`,
        advice: `Its policy gives no jobs to workers until it is resumed.${alone}`,
        command: commandWith('function resume', wire),
      }
    }
    case 'long wait':
      return { title: longWaitTitle(name, count, symptom.waitMs), ...longWaitAdvice(symptom) }
    case 'failing': {
      const { attempts, limit } = symptom
      return {
        title: `${name}: ${number(count)} of ${number(attempts)} attempts failed in the last minute (${percent(count / attempts)})`,
        advice: `More than ${percent(limit)} is too many (warn-failures). See what their errors say; when the cause is gone, the dead ones can be retried.`,
        command: commandWith('dead list', wire),
      }
    }
    case 'stuck':
      return {
        title:
          count === 1
            ? `${name}: a job has been running for ${about(symptom.runMs)}`
            : `${name}: ${jobs(count)} run for too long, the longest for ${about(symptom.runMs)}`,
        advice: stuckAdvice(symptom),
        command: commandWith('job show', symptom.handle),
      }
  }
}

function longWaitTitle(name: string, count: number, waitMs: number): string {
  return `${name} has ${jobs(count)}, and ${count === 1 ? 'it' : 'the first'} has waited for ${about(waitMs)}`
}

function longWaitAdvice(symptom: FunctionSymptom & { readonly kind: 'long wait' }): Omit<WordingWithCommand, 'title'> {
  const { function: wire, workers, running, heldBy } = symptom
  if (heldBy === undefined) {
    return {
      advice: `It has ${many(workers, 'worker')}, and ${many(running, 'job')} of it ${running === 1 ? 'runs' : 'run'}. Start more workers, let each do more jobs at a time, or see whether they hang.`,
      command: 'geartrain workers',
    }
  }
  const { setting, value } = heldBy
  const rule = setting === 'concurrency' ? `${many(value, 'job')} at a time` : `${rateOf(value)} to be begun`
  return {
    advice: `Its policy holds them back: ${setting} lets ${rule}. Raise it, if what these jobs use can bear that.`,
    command: commandWith('function show', wire),
  }
}

function stuckAdvice({ usualMs, timeoutMs }: FunctionSymptom & { readonly kind: 'stuck' }): string {
  const usual = usualMs === undefined ? '' : `95 of 100 of its jobs take ${exactly(usualMs)} at most. `
  const after =
    timeoutMs > 0
      ? `its timeout of ${exactly(timeoutMs)} ends it otherwise.`
      : 'a timeout in its policy would end such jobs by itself.'
  return `${usual}Look at the job, and disconnect its worker if that hangs; ${after}`
}

function serverWording(symptom: ServerSymptom, isWhole: boolean): Wording {
  switch (symptom.kind) {
    case 'store failing': {
      const { message, code } = symptom.failure
      return {
        title: 'The store does not work: background jobs are refused',
        advice: isWhole
          ? `${lineOf(`${symptom.store} says: ${message} (${code})`, messageMax)}. Free or repair its disk; the server tries again by itself.`
          : 'They are taken again as soon as it works. Tell whoever runs the server.',
      }
    }
    case 'store slow': {
      const took = exactly(symptom.tookMs)
      return {
        title: symptom.isDone
          ? `The store takes ${took} to keep jobs`
          : `The store has not answered for ${about(symptom.tookMs)}`,
        advice:
          'Clients wait as long until a background job is acknowledged. See what else uses its disk, and whether that is full, failing or on a network.',
      }
    }
    case 'slow server':
      return {
        title: `The server was too busy to answer for ${exactly(symptom.delayMs)}`,
        advice:
          "Everyone has waited as long. See whether the machine's processors and memory are enough, and what clients ask for just now.",
      }
    case 'stopping':
      return {
        title: 'The server is stopping: it takes no more jobs',
        advice:
          'It ends when the running ones are done, or their time to finish (grace) is over. Start it again if nobody meant that.',
      }
  }
}

function many(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`
}

function rateOf(perSecond: number): string {
  return perSecond < 1 ? `${rounded(perSecond * 3600)} an hour` : `${rounded(perSecond)} a second`
}

function percent(share: number): string {
  return `${rounded(share * 100)} %`
}

function rounded(value: number): string {
  return number(Number(value.toPrecision(3)))
}

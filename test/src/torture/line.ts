import { answered, isAnswer, isGrab, type PacketCommand, workPackets } from '../simulation/command.ts'
import { type Event, type Message, showMessage, textCommands } from './event.ts'
import type { End, JobRecord } from './job-record.ts'
import type { Submission } from './submission.ts'

/** A command that a peer has sent. */
export interface Sent {
  readonly message: Message
  /** That it was sent. */
  readonly event: Event
  readonly moment: number
  /** Commands of a line count up. */
  readonly index: number
  readonly submission: Submission | undefined
  /** For what may end a job: a cancellation, or a worker's last word on a job that it has. */
  readonly end: End | undefined
}

/** One connection, as its peer sees it. The server answers in the order of the commands. */
export class Line {
  readonly peer: string
  readonly life: number
  isOpen = true
  /** Functions that it has said it can do. */
  readonly abilities = new Set<string>()
  /** Jobs that it has and has not said the last of. */
  readonly holds = new Set<JobRecord>()
  /** Jobs that it has been told it waits for, with as many ends to come as it has submitted them. */
  readonly waits = new Map<JobRecord, number>()
  /** Last words on jobs that it had, of which it is not known that the server has them. */
  words: End[] = []
  #unanswered: Sent[] = []
  #count = 0

  constructor(peer: string, life: number) {
    this.peer = peer
    this.life = life
  }

  /** The place that the next command will have. */
  get nextIndex(): number {
    return this.#count
  }

  send(sent: Sent): void {
    this.#count++
    this.#unanswered.push(sent)
  }

  /** Submissions that have not been answered. */
  submissions(): Submission[] {
    return this.#unanswered.flatMap(({ submission }) => (submission === undefined ? [] : [submission]))
  }

  /** It has asked for a job before its command at that place, and got no answer. */
  hasGrabbed(before: number = this.#count): boolean {
    return this.#unanswered.some(({ message, index }) => index < before && isGrab(message.name))
  }

  /** The first command that the server has to answer and has not. */
  owed(): Sent | undefined {
    return this.#unanswered.find(({ message }) => howAnswered(message) === 'always')
  }

  /** The command that this answers; or what is wrong with it. */
  answer(answer: Message): Sent | string {
    const isRefusal = answer.name === 'ERROR' && answer.args[0] === 'JOB_NOT_FOUND'
    const at = this.#unanswered.findIndex(({ message, end }) => {
      if (howAnswered(message) === 'always') return true
      // Which of several words on jobs is refused is not said; one on a job of its own can't be.
      return isRefusal && workPackets.has(message.name) && end === undefined
    })
    const sent = this.#unanswered[at]
    if (sent === undefined) return `${showMessage(answer)} answers nothing that it has sent`
    this.#unanswered.splice(0, at + 1)
    if (canAnswer(sent.message, answer)) return sent
    return `${showMessage(answer)} comes where ${showMessage(sent.message)} is to be answered`
  }
}

function howAnswered(message: Message): 'always' | 'refusal' | 'never' | 'close' {
  return isText(message) ? 'always' : answered(asCommand(message))
}

function canAnswer(command: Message, answer: Message): boolean {
  const isAnswerToText = answer.name === 'TABLE' || answer.name === 'OK' || answer.name === 'ERR'
  if (isText(command)) return isAnswerToText && (answer.name === 'TABLE') === (command.name !== 'cancel job')
  // The names of the answers to text are taken care of; all others are packets.
  return !isAnswerToText && isAnswer(asCommand(command), { ...asCommand(answer), args: answer.args })
}

function isText({ name }: Message): boolean {
  return textCommands.includes(name)
}

function asCommand({ name, args }: Message): PacketCommand {
  // A message that is not of the text protocol is named as its packet.
  return { name: name as PacketCommand['name'], args, data: '', isResponse: false }
}

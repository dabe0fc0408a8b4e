import { join } from 'node:path'
import { missing, repositoryRoot } from '../../support/peers.ts'
import { functions } from './functions.ts'
import { type Attempt, never, type Submission } from './job-account.ts'
import { Program } from './program.ts'
import { type Place, Timers, type World } from './world.ts'

// Other people's clients and workers: PHP's extension, and the command `gearman`, which is libgearman.

const comeBackMs = 300
const phpPauseMs = 120
const toolPauseMs = 700
const phpFolder = join(repositoryRoot, 'test/src/torture/cluster/php')
const phpFunctions = [functions.work, functions.once, functions.retry, functions.wait]

/** What is not installed, in sentences; a run goes on without it. */
export function missingPrograms(): string[] {
  return [missing('php'), missing('gearman')].filter((sentence) => sentence !== undefined)
}

/** libgearman asks its servers one after the other: while it has patience with one that is gone, what another one has sent lies there. */
const phpUnreadMsMax = 10_000

/** Those that are installed, started and started again until they are stopped. */
export class Programs {
  readonly #world: World
  readonly #timers = new Timers()
  readonly #programs = new Set<Program>()
  #isCalm = false

  constructor(world: World) {
    this.#world = world
    if (missing('php') === undefined) {
      this.#phpWorks()
      this.#phpSubmits()
    }
    if (missing('gearman') === undefined) {
      for (const place of world.places) this.#toolWorks(place)
      this.#toolSubmits(0)
    }
  }

  /** Nothing more is submitted, until `resume`. */
  calm(): void {
    this.#isCalm = true
  }

  resume(): void {
    this.#isCalm = false
  }

  async end(): Promise<void> {
    this.#timers.stop()
    await Promise.all([...this.#programs].map((program) => program.kill()))
  }

  #start(command: readonly string[], onLine: (line: string) => void = () => {}): Program {
    const program = new Program(command, onLine)
    this.#programs.add(program)
    void program.ended.then(() => this.#programs.delete(program))
    return program
  }

  #php(script: string, names: readonly string[], onLine: (line: string) => void): Program {
    const ports = this.#world.places.map(({ port }) => String(port))
    return this.#start(['php', join(phpFolder, script), names.join(','), ...ports], onLine)
  }

  /** `began 1790000000123.5 H:host:17 resize s12`, `ends 1790000000125.1 s12`. */
  #phpWorks(): void {
    const { ledger } = this.#world
    const open = new Map<string, Attempt>()
    const program = this.#php('worker.php', phpFunctions, (line) => {
      const [what, time = '', first = '', second = '', workload = ''] = line.split(' ')
      const at = Math.floor(Number(time))
      if (what === 'ends') {
        const attempt = open.get(first)
        if (attempt !== undefined) ledger.said(attempt, 'complete', `r-${first}`, at)
        open.delete(first)
        return
      }
      const worker = `php, ${program.name},`
      const assigned = {
        worker,
        life: undefined,
        handle: first,
        function: second,
        workload,
        unreadMsMax: phpUnreadMsMax,
      }
      const known = ledger.assigned({ ...assigned, givenMin: 0, heardAt: at })
      if (known !== undefined) open.set(workload, known.attempt)
      ledger.count('begun by PHP')
    })
    void program.ended.then(() => this.#timers.later(comeBackMs, () => this.#phpWorks()))
  }

  /** It is told what to submit: `answered 1790000000124.5 p12 H:host:17`, `failed 1790000000124.5 p12 -`. */
  #phpSubmits(): void {
    const { ledger } = this.#world
    let asked: Submission | undefined
    const program = this.#php('client.php', [functions.work], (line) => {
      const [what, time = '', , handle = ''] = line.split(' ')
      if (asked === undefined) return
      if (what === 'answered') {
        ledger.acknowledged(asked, handle, undefined, Math.ceil(Number(time)))
        ledger.count('acknowledged to PHP')
      } else ledger.abandoned(asked)
      this.#timers.later(phpPauseMs, ask)
    })
    const ask = (): void => {
      if (this.#isCalm) return this.#timers.later(phpPauseMs, ask)
      asked = ledger.submitted({ id: ledger.newId('p'), client: 'php', function: functions.work, mayRepeat: true })
      program.type(asked.id)
    }
    ask()
    void program.ended.then(() => this.#timers.later(comeBackMs, () => this.#phpSubmits()))
  }

  /** `gearman -w`, whose command tells of its job before it does it: `began 1790000000123 c12`. */
  #toolWorks(place: Place): void {
    const { ledger } = this.#world
    const tell = `date "+began %s%3N $(cat)" >&3; echo done`
    const script = `exec 3>&1; exec gearman -w -h 127.0.0.1 -p ${place.port} -f ${functions.tool} -- sh -c '${tell}'`
    const program = this.#start(['sh', '-c', script], (line) => {
      const [, time = '', workload = ''] = line.split(' ')
      const assigned = {
        worker: `gearman, ${program.name},`,
        life: undefined,
        handle: undefined,
        function: functions.tool,
        workload,
      }
      const known = ledger.assigned({ ...assigned, givenMin: 0, heardAt: Number(time) })
      if (known !== undefined) ledger.said(known.attempt, 'complete', 'done\n', Number(time))
      ledger.count('begun by gearman')
    })
    void program.ended.then(() => this.#timers.later(comeBackMs, () => this.#toolWorks(place)))
  }

  /** `gearman -b`, which ends well whatever happens, and says what it was answered: `Task created: H:host:17`. */
  #toolSubmits(turn: number): void {
    const { places, ledger } = this.#world
    const place = places[turn % places.length]
    const again = () => this.#timers.later(toolPauseMs, () => this.#toolSubmits(turn + 1))
    if (place?.life === undefined || this.#isCalm) return again()
    const asked = ledger.submitted({
      id: ledger.newId('c'),
      client: 'gearman',
      function: functions.tool,
      mayRepeat: true,
    })
    const command = ['gearman', '-v', '-b', '-h', '127.0.0.1', '-p', String(place.port), '-f', functions.tool, asked.id]
    const program = this.#start(command, (line) => {
      const [, handle] = /^Task created: (\S+)/.exec(line) ?? []
      if (handle === undefined) return
      ledger.acknowledged(asked, handle, undefined)
      ledger.count('acknowledged to gearman')
    })
    void program.ended.then(() => {
      if (asked.ackedAt === never) ledger.abandoned(asked)
      again()
    })
  }
}

import { ProcessPool } from '@geartrain/client/processes'
import { doLoose, handlers, LooseJob } from './loose-job.ts'

// Is killed while a process of its pool has a job.

const job = new LooseJob()
void doLoose(new ProcessPool({ processes: 1 }).handler(handlers, 'stay'), job)
await job.progressed.given
process.kill(process.pid, 'SIGKILL')

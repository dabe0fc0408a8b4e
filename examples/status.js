// What a Gearman server, of any make, has to do.

import { Admin } from '@geartrain/client'

const admin = await Admin.connect()
const [version, functions, connections] = await Promise.all([admin.version(), admin.status(), admin.workers()])
console.log(`Gearman server ${version}, ${connections.length} connections`)
for (const { function: name, jobs, running, workers } of functions) {
  console.log(`${name.padEnd(20)} ${jobs - running} waiting, ${running} running, ${workers} workers`)
}
await admin.close()

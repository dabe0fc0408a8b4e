// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export { type Address, parseAddress, withoutPassword } from '../../../packages/server/dist/store/postgres/address.js'
export { Connection, type ConnectionOptions } from '../../../packages/server/dist/store/postgres/connection.js'
export { toFailure } from '../../../packages/server/dist/store/postgres/failure.js'
export { DatabaseError } from '../../../packages/server/dist/store/postgres/link.js'
export { migrate } from '../../../packages/server/dist/store/postgres/migrate.js'
export { connectToPrimary } from '../../../packages/server/dist/store/postgres/primary.js'
export { schemaVersion } from '../../../packages/server/dist/store/postgres/schema.js'

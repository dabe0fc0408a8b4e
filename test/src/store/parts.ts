// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export { Batches } from '../../../packages/server/dist/store/sqlite/batches.js'
export { openDatabase } from '../../../packages/server/dist/store/sqlite/database.js'
export { openSqlite } from '../../../packages/server/dist/store/sqlite/driver.js'
export { openingError } from '../../../packages/server/dist/store/sqlite/failure.js'
export { FunctionRow } from '../../../packages/server/dist/store/sqlite/functions.js'
export { applicationId, migrations, schemaVersion } from '../../../packages/server/dist/store/sqlite/schema.js'
export { uniqueKey } from '../../../packages/server/dist/store/sqlite/unique-key.js'

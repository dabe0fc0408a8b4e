// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export { durability, neededBy } from '../../../packages/server/dist/store/postgres/doctor/durability.js'
export type { Facts } from '../../../packages/server/dist/store/postgres/doctor/facts.js'
export { setting } from '../../../packages/server/dist/store/postgres/doctor/setting.js'
export { upkeep } from '../../../packages/server/dist/store/postgres/doctor/upkeep.js'

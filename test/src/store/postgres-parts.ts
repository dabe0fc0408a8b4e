// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export {
  PostgresStore,
  type PostgresStoreOptions,
} from '../../../packages/server/dist/store/postgres/postgres-store.js'

import { sqlFunctions } from './cluster/sql-functions.ts'

/**
 * Goes up with each migration. A database that says more was written by a newer program: as long as it says that this
 * one is still let in (`oldest_reader` in the table `meta`), old and new servers work side by side.
 */
export const schemaVersion = 1

/**
 * The steps from nothing to the newest schema; step N leads from version N to N + 1. A step that was released never
 * changes: a change of the schema is a new step here, a new `schemaVersion`, a test that migrates a database of the
 * version before, and the tables in `docs/cluster.md`.
 *
 * Names are bytes, and so they are kept; the views show them as text. Times are milliseconds since 1970 by the
 * database's clock.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE geartrain.meta (
    is_only        boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    version        integer NOT NULL,     -- of the schema
    oldest_reader  integer NOT NULL      -- a program that knows this version, or a later one, can use it
  );

  -- A row for each lease of a server: who has opened the store, from then until it is lost or given back.
  CREATE TABLE geartrain.servers (
    id           integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name         text NOT NULL,
    opened_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until  timestamptz NOT NULL,
    batch        bigint NOT NULL DEFAULT 0,       -- the last one that it has committed
    ended        boolean NOT NULL DEFAULT false,  -- for good: it commits nothing more, and what it had is anybody's
    cleared      boolean NOT NULL DEFAULT false   -- nothing refers to it any more
  ) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
  CREATE INDEX servers_alive ON geartrain.servers (id) WHERE NOT ended;
  CREATE INDEX servers_uncleared ON geartrain.servers (id) WHERE ended AND NOT cleared;

  -- What servers say of themselves with each heartbeat; lost with a crash, and said again.
  CREATE UNLOGGED TABLE geartrain.reports (
    server_id  integer PRIMARY KEY,
    body       jsonb NOT NULL
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

  -- What one server does for all.
  CREATE TABLE geartrain.roles (
    role       text PRIMARY KEY,
    server_id  integer NOT NULL
  );

  CREATE TABLE geartrain.functions (
    id    integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name  bytea NOT NULL UNIQUE
  );

  -- Jobs that wait or run. Rows come and go all the time: autovacuum is to follow closely. Half of each page is left free:
  -- a job that is claimed then stays in its page and in all indexes, which halves what a claim writes.
  CREATE TABLE geartrain.jobs (
    number         bigint NOT NULL,      -- the 16 digits at the end of the handle
    position       bigint NOT NULL,      -- place in the line of those that are ready; 0 while delayed
    run_at         bigint NOT NULL,      -- while delayed; 0 when ready
    submitted_at   bigint NOT NULL,
    expire_at      bigint,               -- should have begun by then; NULL is never
    ready_at       bigint,               -- since when it can be begun; NULL if since submitted_at
    unique_key     uuid,                 -- digest of the unique; NULL if jobs can't be joined by it
    function_id    integer NOT NULL,
    owner          integer NOT NULL,     -- server that has it; 0: nobody had it yet; below 0: minus the one that has let it go
    attempts       integer NOT NULL,     -- that have ended
    priority       smallint NOT NULL,    -- 0 high, 1 normal, 2 low
    unique_name    bytea NOT NULL,       -- '' is none
    reducer        bytea,                -- these: NULL is none
    then_function  bytea,
    options        bytea,                -- what its policy says differently, JSON
    trace          bytea,
    failures       text,                 -- JSON array of the latest ones
    workload       bytea NOT NULL,
    CONSTRAINT jobs_number PRIMARY KEY (number)
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
          autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 1, autovacuum_analyze_scale_factor = 0.1,
          autovacuum_analyze_threshold = 20000);
  ALTER TABLE geartrain.jobs ALTER COLUMN workload SET STORAGE EXTERNAL;
  -- No index has the owner: that a job is claimed is then written in its row alone.
  CREATE INDEX jobs_ready ON geartrain.jobs (function_id, priority, position) WHERE position > 0;
  CREATE INDEX jobs_delayed ON geartrain.jobs (run_at, number) WHERE run_at > 0;
  CREATE INDEX jobs_expiring ON geartrain.jobs (expire_at, number) WHERE expire_at IS NOT NULL;
  CREATE UNIQUE INDEX jobs_unique ON geartrain.jobs (unique_key, function_id) WHERE unique_key IS NOT NULL;

  -- Each batch takes one; a job's position is that, and its place in the batch in the lower 20 bits.
  CREATE SEQUENCE geartrain.positions;

  -- Jobs that have failed for good. A number is in one of jobs, dead and results.
  CREATE TABLE geartrain.dead (
    number         bigint PRIMARY KEY,
    submitted_at   bigint NOT NULL,
    died_at        bigint NOT NULL,
    keep_until     bigint NOT NULL,
    unique_key     uuid,
    function_id    integer NOT NULL,
    attempts       integer NOT NULL,
    priority       smallint NOT NULL,
    reason         text NOT NULL,
    unique_name    bytea NOT NULL,
    reducer        bytea,
    then_function  bytea,
    options        bytea,
    trace          bytea,
    failures       text,
    workload       bytea NOT NULL
  );
  CREATE INDEX dead_of_function ON geartrain.dead (function_id, number);
  CREATE INDEX dead_oldest ON geartrain.dead (function_id, died_at, number);
  CREATE INDEX dead_keeping ON geartrain.dead (keep_until, number);
  CREATE INDEX dead_unique ON geartrain.dead (unique_key, function_id) WHERE unique_key IS NOT NULL;

  -- Jobs that have ended and of which something is kept.
  CREATE TABLE geartrain.results (
    number         bigint PRIMARY KEY,
    submitted_at   bigint NOT NULL,
    ended_at       bigint NOT NULL,
    keep_until     bigint NOT NULL,      -- 0: data is not kept, or no longer
    unique_until   bigint NOT NULL,      -- 0: no job joins it
    sweep_at       bigint NOT NULL,      -- the first of the two that is not 0 and not over
    unique_key     uuid,                 -- NULL if the unique is no name
    function_id    integer NOT NULL,
    attempts       integer NOT NULL,
    numerator      bigint NOT NULL,
    denominator    bigint NOT NULL,
    priority       smallint NOT NULL,
    outcome        text NOT NULL,
    unique_name    bytea NOT NULL,
    reducer        bytea,
    then_function  bytea,
    failures       text,
    data           bytea NOT NULL
  );
  CREATE INDEX results_unique ON geartrain.results (unique_key, function_id, unique_until) WHERE unique_key IS NOT NULL;
  CREATE INDEX results_sweeping ON geartrain.results (sweep_at, number);

  -- What is kept besides jobs. A body that is NULL is one that was removed; it stays a while, so that all hear of it.
  CREATE TABLE geartrain.documents (
    kind     text NOT NULL,
    name     text NOT NULL,
    body     text,                       -- JSON
    version  bigint NOT NULL,            -- of the sequence, at its last change
    server_id integer NOT NULL,          -- that has changed it
    PRIMARY KEY (kind, name)
  );
  CREATE SEQUENCE geartrain.document_versions;
  CREATE INDEX documents_version ON geartrain.documents (version);

  -- How many rows of jobs, dead and results there are, so that nobody has to count them: the sum over all servers. Each
  -- writes rows of its own; one that removes what another has added has numbers below 0.
  CREATE TABLE geartrain.counts (
    server_id    integer NOT NULL,       -- 0: of those that have ended
    function_id  integer NOT NULL,
    priority     smallint NOT NULL,
    ready        bigint NOT NULL DEFAULT 0,
    delayed      bigint NOT NULL DEFAULT 0,
    dead         bigint NOT NULL DEFAULT 0,
    kept         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (function_id, priority, server_id)
  ) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

  -- One row: no handle's number was or will be given out from reserved_until on without raising it first.
  CREATE TABLE geartrain.numbers (
    is_only         boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    reserved_until  bigint NOT NULL
  );
  INSERT INTO geartrain.numbers (reserved_until) VALUES (0);

  -- The history of the servers' figures: steps of several lengths, so many of each.
  CREATE TABLE geartrain.history (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,  -- those that were begun later have higher ones
    step_ms  bigint NOT NULL,            -- how long it is
    at       bigint NOT NULL,            -- when it begins
    rows     bytea NOT NULL              -- of all functions together, and by function
  );
  CREATE UNIQUE INDEX history_at ON geartrain.history (step_ms, at);
  CREATE INDEX history_begun ON geartrain.history (step_ms, id);

  -- Jobs that were cancelled while a server had them, until it has dropped them.
  CREATE TABLE geartrain.cancels (
    server_id  integer NOT NULL,
    number     bigint NOT NULL,
    PRIMARY KEY (server_id, number)
  );

  -- Parts of limits that servers have.
  CREATE TABLE geartrain.shares (
    function     bytea NOT NULL,
    server_id    integer NOT NULL,
    concurrency  integer,                -- NULL: not limited
    rate         double precision,       -- a second; the same
    wanted       integer NOT NULL,       -- jobs that it could run at a time
    PRIMARY KEY (function, server_id)
  );

  -- Jobs submitted in SQL, until a server puts them into jobs.
  CREATE TABLE geartrain.inbox (
    number       bigint PRIMARY KEY,
    function     bytea NOT NULL,
    unique_name  bytea NOT NULL,
    workload     bytea NOT NULL,
    priority     smallint NOT NULL,
    run_at       bigint NOT NULL,
    expire_at    bigint NOT NULL,
    options      bytea,
    submitted_at bigint NOT NULL
  ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
  -- Below all that servers give out.
  CREATE SEQUENCE geartrain.inbox_numbers MINVALUE 1000000000000000 MAXVALUE 1499999999999999;
  ${sqlFunctions}`,
]

/** Goes up with each migration. A database that says more was written by a newer program and is not touched. */
export const schemaVersion = 1

/** `GT` in ASCII and 4730: what makes a SQLite database one of ours (`PRAGMA application_id`). */
export const applicationId = 0x4754127a

/**
 * The steps from an empty file to the newest schema; step N leads from version N to N + 1 (`PRAGMA user_version`). A step that
 * was released never changes: a change of the schema is a new step here, a new `schemaVersion`, a test that migrates
 * a file of the version before, and the tables in `docs/store.md`.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE functions (
    id    INTEGER PRIMARY KEY,
    name  NOT NULL UNIQUE      -- TEXT; BLOB if its bytes are not UTF-8
  );

  CREATE TABLE jobs (
    number       INTEGER PRIMARY KEY,  -- the 16 digits at the end of the handle
    function_id  INTEGER NOT NULL REFERENCES functions (id),
    priority     INTEGER NOT NULL,     -- 0 high, 1 normal, 2 low
    position     INTEGER NOT NULL,     -- place in the line of those that are ready; 0 while delayed
    run_at       INTEGER NOT NULL,     -- milliseconds since 1970 while delayed; 0 when ready
    unique_name  NOT NULL,             -- TEXT; BLOB if its bytes are not UTF-8; '' is none
    unique_key   INTEGER,              -- hash of the unique; NULL if jobs can't be joined by it
    clash        INTEGER NOT NULL,     -- tells different uniques of one key apart
    reducer      NOT NULL,             -- TEXT; BLOB if its bytes are not UTF-8; '' is none
    workload     BLOB NOT NULL
  );
  CREATE INDEX jobs_ready ON jobs (function_id, priority, position) WHERE position > 0;
  CREATE INDEX jobs_delayed ON jobs (run_at, number) WHERE run_at > 0;
  CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key, function_id, clash) WHERE unique_key IS NOT NULL;
  -- Empty as good as always; says at once that no two uniques have one key.
  CREATE INDEX jobs_clashing ON jobs (clash) WHERE clash > 0;

  -- How many rows of jobs there are, so that nobody has to count them.
  CREATE TABLE counts (
    function_id  INTEGER NOT NULL REFERENCES functions (id),
    priority     INTEGER NOT NULL,
    ready        INTEGER NOT NULL,
    delayed      INTEGER NOT NULL,
    PRIMARY KEY (function_id, priority)
  ) WITHOUT ROWID;

  -- One row: no handle's number was or will be given out from reserved_until on without raising it first.
  CREATE TABLE numbers (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    reserved_until  INTEGER NOT NULL
  );
  INSERT INTO numbers VALUES (1, 0);
  `,
]

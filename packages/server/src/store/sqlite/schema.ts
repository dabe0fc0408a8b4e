/** Goes up with each migration. A database that says more was written by a newer program and is not touched. */
export const schemaVersion = 4

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
  `
  -- Behind the workload: what has a constant as its default needs no row to be written anew.
  ALTER TABLE jobs ADD COLUMN submitted_at INTEGER NOT NULL DEFAULT 0;  -- milliseconds since 1970
  ALTER TABLE jobs ADD COLUMN expire_at INTEGER;             -- the same: should have begun by then; NULL is never
  ALTER TABLE jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;      -- that have ended
  ALTER TABLE jobs ADD COLUMN failures TEXT;                 -- JSON array of the latest ones; NULL if there is none
  ALTER TABLE jobs ADD COLUMN then_function NOT NULL DEFAULT '';        -- a name as the others; '' is none
  CREATE INDEX jobs_expiring ON jobs (expire_at, number) WHERE expire_at IS NOT NULL;

  -- Jobs that have failed for good. A number is in one of jobs, dead and results.
  CREATE TABLE dead (
    number         INTEGER PRIMARY KEY,
    function_id    INTEGER NOT NULL REFERENCES functions (id),
    priority       INTEGER NOT NULL,
    unique_name    NOT NULL,
    unique_key     INTEGER,
    reducer        NOT NULL,
    then_function  NOT NULL,
    submitted_at   INTEGER NOT NULL,
    died_at        INTEGER NOT NULL,
    reason         TEXT NOT NULL,
    attempts       INTEGER NOT NULL,
    keep_until     INTEGER NOT NULL,
    failures       TEXT,
    workload       BLOB NOT NULL
  );
  CREATE INDEX dead_of_function ON dead (function_id, number);
  CREATE INDEX dead_oldest ON dead (function_id, died_at, number);
  CREATE INDEX dead_keeping ON dead (keep_until);
  CREATE INDEX dead_unique ON dead (unique_key) WHERE unique_key IS NOT NULL;

  -- Jobs that have ended and of which something is kept.
  CREATE TABLE results (
    number         INTEGER PRIMARY KEY,
    function_id    INTEGER NOT NULL REFERENCES functions (id),
    priority       INTEGER NOT NULL,
    unique_name    NOT NULL,
    unique_key     INTEGER,              -- NULL if the unique is no name
    reducer        NOT NULL,
    then_function  NOT NULL,
    submitted_at   INTEGER NOT NULL,
    ended_at       INTEGER NOT NULL,
    outcome        TEXT NOT NULL,
    attempts       INTEGER NOT NULL,
    numerator      INTEGER NOT NULL,
    denominator    INTEGER NOT NULL,
    keep_until     INTEGER NOT NULL,     -- 0: data is not kept, or no longer
    unique_until   INTEGER NOT NULL,     -- 0: no job joins it
    sweep_at       INTEGER NOT NULL,     -- the first of the two that is not 0 and not over
    failures       TEXT,
    data           BLOB NOT NULL
  );
  CREATE INDEX results_unique ON results (unique_key, function_id, unique_until) WHERE unique_key IS NOT NULL;
  CREATE INDEX results_sweeping ON results (sweep_at);

  -- What is kept besides jobs.
  CREATE TABLE documents (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    body  TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (kind, name)
  ) WITHOUT ROWID;

  -- Rows of dead and of results.
  ALTER TABLE counts ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
  `,
  `
  ALTER TABLE jobs ADD COLUMN options;           -- what its policy says differently, JSON; NULL is nothing
  ALTER TABLE jobs ADD COLUMN trace;             -- as text, or a BLOB; NULL is none
  ALTER TABLE jobs ADD COLUMN ready_at INTEGER;  -- since when it can be begun; NULL if since submitted_at
  ALTER TABLE dead ADD COLUMN options;
  ALTER TABLE dead ADD COLUMN trace;
  `,
  `
  -- The history of the server's figures: steps of several lengths, so many of each.
  CREATE TABLE history (
    id       INTEGER PRIMARY KEY,  -- those that were begun later have higher ones
    step_ms  INTEGER NOT NULL,     -- how long it is
    at       INTEGER NOT NULL,     -- when it begins: milliseconds since 1970
    rows     BLOB NOT NULL         -- of all functions together, and by function
  );
  CREATE UNIQUE INDEX history_at ON history (step_ms, at);
  CREATE INDEX history_begun ON history (step_ms, id);
  `,
]

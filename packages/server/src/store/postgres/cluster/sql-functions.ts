/**
 * What people and their programs call in SQL: a part of the first step of `schema.ts`, under its rule: once it was
 * released, a change of a function is a new step with CREATE OR REPLACE.
 */

/** `limits.ts` has the same for names, as the defaults. The payload fits in a packet of 64 MiB with all that is beside it. */
const functionNameBytesMax = 512
const uniqueBytesMax = 64
const payloadBytesMax = 64_000_000

// In bytes, so that each kind of payload has a function of its own; a literal without a type is text.
const rest = `"unique" text DEFAULT NULL, run_at timestamptz DEFAULT NULL, priority text DEFAULT 'normal', expires_at timestamptz DEFAULT NULL`
const passedOn = `"unique", run_at, priority, expires_at`

function ofText(type: 'text' | 'json' | 'jsonb'): string {
  return `
  CREATE FUNCTION geartrain.do_background(function text, payload ${type}, ${rest}) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  RETURN geartrain.do_background(function, convert_to(payload::text, 'UTF8'), ${passedOn});`
}

function forTheApplication(type: 'bytea' | 'text' | 'json' | 'jsonb'): string {
  const signature = `geartrain.do_background(text, ${type}, text, timestamptz, text, timestamptz)`
  return `
  REVOKE ALL ON FUNCTION ${signature} FROM PUBLIC;
  COMMENT ON FUNCTION ${signature} IS
    'Submits a background job with the transaction that it is called in. For a role that may: GRANT USAGE ON SCHEMA geartrain TO role; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA geartrain TO role';`
}

export const sqlFunctions: string = `
  -- A name as people read it; bytes that are no UTF-8 as \\ooo.
  CREATE FUNCTION geartrain.as_text(name bytea) RETURNS text
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  BEGIN
    RETURN convert_from(name, 'UTF8');
  EXCEPTION WHEN OTHERS THEN
    RETURN encode(name, 'escape');
  END $$;

  CREATE FUNCTION geartrain.as_time(ms bigint) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
  RETURN CASE WHEN ms > 0 THEN 'epoch'::timestamptz + ms * interval '1 millisecond' END;

  -- Submits a job with the transaction that calls it: gone if that is rolled back. Servers look for such jobs four times
  -- a second; with "SET geartrain.wake = 'on'" they are told at once, which costs a lock over all commits of the
  -- database cluster that notify.
  CREATE FUNCTION geartrain.do_background(function text, payload bytea DEFAULT '', ${rest}) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  #variable_conflict use_variable
  DECLARE
    name_bytes bytea := convert_to(function, 'UTF8');
    unique_bytes bytea := convert_to(coalesce("unique", ''), 'UTF8');
    level smallint := array_position(ARRAY['high', 'normal', 'low'], priority) - 1;
    at_once timestamptz := clock_timestamp();
    job bigint;
    problem text;
  BEGIN
    IF coalesce(octet_length(name_bytes), 0) NOT BETWEEN 1 AND ${functionNameBytesMax} THEN
      problem := format('the name of the function has %s bytes; it must have 1 to ${functionNameBytesMax}', coalesce(octet_length(name_bytes), 0));
    ELSIF payload IS NULL THEN
      problem := 'the payload is NULL; it may be empty: coalesce(payload, '''')';
    ELSIF octet_length(payload) > ${payloadBytesMax} THEN
      problem := format('the payload has %s bytes; it may have ${payloadBytesMax}', octet_length(payload));
    ELSIF octet_length(unique_bytes) > ${uniqueBytesMax} THEN
      problem := format('"unique" has %s bytes; it may have ${uniqueBytesMax}: a hash of it will do', octet_length(unique_bytes));
    ELSIF level IS NULL THEN
      problem := format('the priority is %L; it must be ''high'', ''normal'' or ''low''', priority);
    ELSIF NOT coalesce(isfinite(run_at), true) OR run_at >= '10000-01-01' THEN
      problem := format('run_at is %s; it must be a time before the year 10000', run_at);
    ELSIF NOT coalesce(isfinite(expires_at), true) OR expires_at >= '10000-01-01' THEN
      problem := format('expires_at is %s; it must be a time before the year 10000, or NULL for never', expires_at);
    ELSIF expires_at <= greatest(run_at, at_once) THEN
      problem := format('expires_at is %s; the job could not begin before %s', expires_at, greatest(run_at, at_once));
    END IF;
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'geartrain.do_background: ' || problem;
    END IF;
    INSERT INTO geartrain.inbox (number, function, unique_name, workload, priority, run_at, expire_at, submitted_at)
    VALUES (
      nextval('geartrain.inbox_numbers'), name_bytes, unique_bytes, payload, level,
      CASE WHEN run_at > at_once THEN ceil(extract(epoch FROM run_at) * 1000) ELSE 0 END,
      coalesce(floor(extract(epoch FROM expires_at) * 1000), 0),
      floor(extract(epoch FROM at_once) * 1000)
    ) RETURNING inbox.number INTO job;
    IF current_setting('geartrain.wake', true) = 'on' THEN
      PERFORM pg_notify('geartrain', '{"inbox":true}');
    END IF;
    RETURN 'H:cluster:' || job;
  END $$;
${(['text', 'json', 'jsonb'] as const).map(ofText).join('\n')}
${(['bytea', 'text', 'json', 'jsonb'] as const).map(forTheApplication).join('\n')}

  -- For people.
  CREATE VIEW geartrain.job_list AS
  SELECT j.number, geartrain.as_text(f.name) AS function,
    CASE WHEN j.position = 0 THEN 'delayed' WHEN s.id IS NULL THEN 'ready' ELSE 'claimed' END AS state,
    s.name AS server,
    (ARRAY['high', 'normal', 'low'])[j.priority + 1] AS priority,
    geartrain.as_text(j.unique_name) AS unique_name,
    geartrain.as_time(j.submitted_at) AS submitted_at, geartrain.as_time(j.run_at) AS run_at,
    geartrain.as_time(j.expire_at) AS expires_at, j.attempts, j.failures, octet_length(j.workload) AS payload_bytes, j.workload AS payload
  FROM geartrain.jobs j
  JOIN geartrain.functions f ON f.id = j.function_id
  LEFT JOIN geartrain.servers s ON s.id = j.owner AND NOT s.ended;

  CREATE VIEW geartrain.dead_list AS
  SELECT d.number, geartrain.as_text(f.name) AS function, (ARRAY['high', 'normal', 'low'])[d.priority + 1] AS priority,
    geartrain.as_text(d.unique_name) AS unique_name, geartrain.as_time(d.submitted_at) AS submitted_at,
    geartrain.as_time(d.died_at) AS died_at, geartrain.as_time(d.keep_until) AS keep_until, d.reason, d.attempts, d.failures,
    octet_length(d.workload) AS payload_bytes, d.workload AS payload
  FROM geartrain.dead d JOIN geartrain.functions f ON f.id = d.function_id;

  CREATE VIEW geartrain.server_list AS
  SELECT s.id, s.name, NOT s.ended AS is_alive, l.server_id IS NOT NULL AS is_leader, s.opened_at, s.lease_until, s.batch, r.body AS report
  FROM geartrain.servers s
  LEFT JOIN geartrain.reports r ON r.server_id = s.id
  LEFT JOIN geartrain.roles l ON l.role = 'leader' AND l.server_id = s.id AND NOT s.ended;

  CREATE VIEW geartrain.function_list AS
  SELECT geartrain.as_text(f.name) AS function,
    coalesce(sum(c.ready) FILTER (WHERE c.priority = 0), 0)::bigint AS ready_high,
    coalesce(sum(c.ready) FILTER (WHERE c.priority = 1), 0)::bigint AS ready_normal,
    coalesce(sum(c.ready) FILTER (WHERE c.priority = 2), 0)::bigint AS ready_low,
    coalesce(sum(c.delayed), 0)::bigint AS delayed, coalesce(sum(c.dead), 0)::bigint AS dead, coalesce(sum(c.kept), 0)::bigint AS kept
  FROM geartrain.functions f LEFT JOIN geartrain.counts c ON c.function_id = f.id
  GROUP BY f.id;
`

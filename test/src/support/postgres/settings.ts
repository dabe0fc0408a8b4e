/** As in postgresql.conf. */
export type Settings = Readonly<Record<string, string | number>>

/** For tests: small, and not safe against a power cut (what commits survives the death of every process all the same). */
export const usualSettings: Settings = {
  fsync: 'off',
  listen_addresses: '127.0.0.1',
  shared_buffers: '16MB',
  max_connections: 100,
  wal_level: 'replica',
  max_wal_senders: 5,
  // What a standby that was paused needs to catch up.
  wal_keep_size: '256MB',
  // Files in the data directory, which go with it, whoever was killed.
  dynamic_shared_memory_type: 'mmap',
  timezone: 'UTC',
}

/** The text of postgresql.conf, which takes any value in quotes. */
export function asFile(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join('')
}

import { Admin } from '@geartrain/client'

/** How many jobs a Gearman server has, waiting or running. */
export async function openPending(port) {
  const admin = await Admin.connect({ host: '127.0.0.1', port })
  return async () => (await admin.status()).find((row) => row.function === 'bench')?.jobs ?? 0
}

import type { Priority } from '@geartrain/engine'
import type { PriorityName } from '@geartrain/protocol'

export const priorityNames: Readonly<Record<Priority, PriorityName>> = { 0: 'high', 1: 'normal', 2: 'low' }

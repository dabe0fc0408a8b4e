/**
 * The ERROR packets a server sends: code and text. The first group is gearmand's, word for word, since scripts match
 * on it; the second is for refusals that gearmand does not have.
 */
export const wireErrors = {
  INVALID_MAGIC: { code: 'INVALID_MAGIC', text: 'Request magic expected' },
  INVALID_COMMAND: { code: 'INVALID_COMMAND', text: 'Command not expected' },
  UNKNOWN_OPTION: { code: 'UNKNOWN_OPTION', text: 'Server does not recognize given option' },
  UNIQUE_TOO_LARGE: { code: 'ARGUMENT_TOO_LARGE', text: 'Unique value too large' },
  HANDLE_TOO_LARGE: {
    code: 'ARGUMENT_TOO_LARGE',
    text: 'Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf',
  },
  QUEUE_FULL: { code: 'QUEUE_ERROR', text: 'Job queue is full' },
  RESULT_JOB_NOT_FOUND: { code: 'JOB_NOT_FOUND', text: 'Job given in work result not found' },
  JOB_NOT_FOUND: { code: 'JOB_NOT_FOUND', text: 'Job does not exist on server' },
  EXCEPTION_JOB_NOT_FOUND: {
    code: 'JOB_NOT_FOUND',
    text: 'An exception was received for a job that does not exist',
  },

  INVALID_PACKET: { code: 'INVALID_PACKET', text: 'The packet has fewer arguments than its type needs' },
  PACKET_TOO_LARGE: { code: 'PACKET_TOO_LARGE', text: 'The packet is larger than this server takes' },
  FUNCTION_TOO_LARGE: { code: 'ARGUMENT_TOO_LARGE', text: 'Function name too large' },
  TOO_MANY_FUNCTIONS: { code: 'QUEUE_ERROR', text: 'Too many functions' },
  TOO_MANY_WAITS: { code: 'QUEUE_ERROR', text: 'This connection waits for as many jobs as it may' },
  TOO_MANY_CONNECTIONS: { code: 'TOO_MANY_CONNECTIONS', text: 'This server has all the connections it may have' },
  STORE_FAILED: { code: 'QUEUE_ERROR', text: 'The job could not be stored' },
  FUNCTION_DRAINING: { code: 'QUEUE_ERROR', text: 'The function is drained and takes no new jobs' },
  INVALID_OPTIONS: { code: 'INVALID_OPTIONS', text: 'The options of the job are not possible' },
  ACCESS_DENIED: { code: 'ACCESS_DENIED', text: 'This is not allowed to you' },
  INVALID_SCHEDULE: { code: 'INVALID_SCHEDULE', text: 'The schedule is not possible' },
  SHUTTING_DOWN: { code: 'SHUTTING_DOWN', text: 'This server is shutting down and takes no new jobs' },
} as const satisfies Record<string, { readonly code: string; readonly text: string }>

export type WireError = keyof typeof wireErrors

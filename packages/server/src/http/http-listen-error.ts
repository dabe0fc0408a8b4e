/** The HTTP side can't listen there. Its cause is Node's error. */
export class HttpListenError extends Error {
  override readonly name = 'HttpListenError'
  readonly listen: string
  readonly port: number
  /** What says where that is. */
  readonly setting: 'http' | 'gearmand-http'

  constructor(listen: string, port: number, options: ErrorOptions, setting: 'http' | 'gearmand-http' = 'http') {
    super(`cannot listen for HTTP on ${listen}:${port}`, options)
    this.setting = setting
    this.listen = listen
    this.port = port
  }
}

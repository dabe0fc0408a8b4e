/** The HTTP side can't listen there. Its cause is Node's error. */
export class HttpListenError extends Error {
  override readonly name = 'HttpListenError'
  readonly listen: string
  readonly port: number

  constructor(listen: string, port: number, options: ErrorOptions) {
    super(`cannot listen for HTTP on ${listen}:${port}`, options)
    this.listen = listen
    this.port = port
  }
}

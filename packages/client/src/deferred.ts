/** A promise that is settled from outside. */
export class Deferred<T> {
  readonly promise: Promise<T>
  // The promise calls its function at once, so these are set when the constructor is done.
  resolve: (value: T) => void = () => {}
  reject: (error: Error) => void = () => {}

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

/** A promise that somebody else gives its value. */
export function signal<T = void>(): { readonly given: Promise<T>; give(value: T): void } {
  let give: (value: T) => void = () => {}
  const given = new Promise<T>((resolve) => {
    give = resolve
  })
  return { given, give: (value) => give(value) }
}

import type { Locator, Page } from 'playwright-core'

// What the page of servers shows, for its tests.

/** The first one with that text in it. */
export function row(page: Page, text: string): Locator {
  return page.locator('tr[data-row]').filter({ hasText: text }).first()
}

export async function cell(of: Locator, index: number): Promise<string> {
  return (await of.getByRole('cell').nth(index).textContent()) ?? ''
}

/** What is in each cell of each row. */
export function rows(page: Page): Promise<string[][]> {
  return page
    .locator('tr[data-row]')
    .evaluateAll((all) =>
      all.map((each) =>
        Array.from(each.querySelectorAll('td'), (td: { textContent: string | null }) => td.textContent ?? ''),
      ),
    )
}

export function figure(page: Page, name: string): Locator {
  return page
    .getByRole('region', { name: 'Figures' })
    .getByRole('listitem')
    .filter({ has: page.getByText(name, { exact: true }) })
}

/** Its value, and what belongs to it in small letters. */
export async function figureText(page: Page, name: string): Promise<string> {
  return ((await figure(page, name).textContent()) ?? '').slice(name.length)
}

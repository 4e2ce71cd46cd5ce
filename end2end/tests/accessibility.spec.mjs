/**
 * axe finds no violations on any page, light and dark, wide and narrow.
 */
import AxeBuilder from '@axe-core/playwright';

import { expect, test } from '../support/fixtures.mjs';
import { visits } from '../support/pages.mjs';
import { CANCELLED_ON_CONSOLE } from '../support/walk.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SIZES = [{ width: 1280, height: 800 }, { width: 360, height: 740 }];

for (const { name, open, consoleError } of visits) {
  test(name, async ({ page, stack, watch }) => {
    if (consoleError) watch.expectConsoleError(consoleError);
    await open(page, stack);
    for (const colorScheme of ['light', 'dark']) {
      for (const size of SIZES) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.setViewportSize(size);
        const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
        const found = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(' ')).join('; ')})`);
        expect(found, `${name}, ${colorScheme}, ${size.width} wide`).toEqual([]);
      }
    }
  });
}

test('every page has a title of its own, one main heading, landmarks and a language', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 404/);
  watch.expectConsoleError(CANCELLED_ON_CONSOLE);
  const titles = new Set();
  for (const path of ['/', '/no-such-page', '/auth/error?code=access_denied&ref=reference']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await expect(page.getByRole('main')).toHaveCount(1);
    await expect(page.getByRole('banner')).toContainText('Cloakroom');
    await expect(page.locator('html')).toHaveAttribute('lang', /^[a-z]{2}/);
    titles.add(await page.title());
  }
  expect(titles.size).toBe(3);
  expect([...titles].every((title) => title.trim() !== '')).toBe(true);
  expect(stack.origin).toBe(new URL(page.url()).origin);
});

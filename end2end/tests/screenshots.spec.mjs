/**
 * A picture of each page, wide and narrow, light and dark, kept under artifacts/screenshots; and nothing that makes a
 * phone scroll sideways.
 */
import { join } from 'node:path';

import { expect, test } from '../support/fixtures.mjs';
import { visits } from '../support/pages.mjs';
import { ARTIFACTS } from '../support/stack.mjs';

const VIEWS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 360, height: 740 },
};

for (const { name, open, consoleError } of visits) {
  test(name, async ({ page, stack, watch }) => {
    if (consoleError) watch.expectConsoleError(consoleError);
    await open(page, stack);
    for (const [view, size] of Object.entries(VIEWS)) {
      await page.setViewportSize(size);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.screenshot({ path: join(ARTIFACTS, 'screenshots', `${name}-${view}-${colorScheme}.png`), fullPage: true });
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, `${name} on a ${view} is no wider than its window`).toBeLessThanOrEqual(0);
    }
  });
}

test('light and dark differ', async ({ page }) => {
  await page.goto('/');
  const ground = () => page.evaluate(() => {
    const colours = [document.body, document.documentElement].map((element) => getComputedStyle(element).backgroundColor);
    return colours.find((colour) => !/, 0\)$|transparent/.test(colour)) ?? colours[0];
  });
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(ground).not.toBe(light);
});

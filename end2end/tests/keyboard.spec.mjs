/**
 * The keyboard alone: everything can be reached, seen, and used.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, atSecondFactor, boardReady, CANCELLED_ON_CONSOLE, claim, codeForm, hydrated, newText, openBoard,
  providerForm, signedIn, signInLink, signOutButton,
} from '../support/walk.mjs';

const MOST_STEPS = 40;

const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

/** Presses Tab until the element has the focus, and checks that this can be seen. */
async function tabTo(page, locator) {
  await expect(locator).toBeVisible();
  for (let steps = 0; steps < MOST_STEPS && !await isFocused(locator); steps += 1) await page.keyboard.press('Tab');
  await expect(locator, 'Tab leads there').toBeFocused();
  const visible = await locator.evaluate((element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
  });
  expect(visible, 'the focus can be seen').toBe(true);
}

test('sign in, see the profile, sign out', async ({ page, stack }) => {
  await page.goto('/');
  await hydrated(page);
  await tabTo(page, signInLink(page));
  await page.keyboard.press('Enter');

  await atProvider(page, stack);
  const form = providerForm(page);
  await expect(form.email).toBeFocused();
  await page.keyboard.type(alice.email);
  await tabTo(page, form.password);
  await page.keyboard.type(alice.password);
  await tabTo(page, form.submit);
  await page.keyboard.press('Enter');

  await signedIn(page, alice);
  await hydrated(page);
  await tabTo(page, page.getByRole('link', { name: 'Profile' }));
  await page.keyboard.press('Enter');
  await expect(claim(page, 'email')).toContainText(alice.email);

  await hydrated(page);
  await tabTo(page, signOutButton(page));
  await page.keyboard.press('Space');
  await expect(page.getByRole('status')).toContainText('signed out');
});

test('a cancelled sign-in can be tried again', async ({ page, stack, watch }) => {
  watch.expectConsoleError(CANCELLED_ON_CONSOLE);
  await page.goto('/auth/login');
  await atProvider(page, stack);
  await tabTo(page, providerForm(page).cancel);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL((url) => url.pathname === '/auth/error');
  await tabTo(page, page.getByRole('link', { name: 'Try again' }).or(page.getByRole('button', { name: 'Try again' })));
  await page.keyboard.press('Enter');
  await atProvider(page, stack);
});

test('a message is sent, and the board cleared with the second factor', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 401 .*\/(api|_fn)\//);
  const { messages, text: box, clear, offer, confirm } = await openBoard(page, stack);
  await tabTo(page, box);
  const text = newText();
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  await tabTo(page, clear);
  await page.keyboard.press('Enter');
  await expect(offer).toBeVisible();
  await tabTo(page, confirm);
  await page.keyboard.press('Enter');

  await atSecondFactor(page, stack);
  await expect(codeForm(page).code).toBeFocused();
  await page.keyboard.type(alice.code);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  await expect(messages).toHaveCount(0);
});

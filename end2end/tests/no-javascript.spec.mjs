/**
 * JavaScript switched off: the same way through, with links and forms alone.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, bob, CANCELLED_ON_CONSOLE, claim, enterPassword, providerForm, signedIn, signIn, signInLink, signOut,
} from '../support/walk.mjs';

test.use({ javaScriptEnabled: false });

test('sign in, see the profile, sign out', async ({ page, stack }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Tokens stay on the server');
  await expect(page.locator('button[data-testid=sign-in-typed]')).not.toBeVisible();
  await signInLink(page).click();
  await atProvider(page, stack);
  await enterPassword(page, alice);
  await signedIn(page, alice);
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your profile');
  await expect(claim(page, 'email')).toContainText(alice.email);
  await signOut(page);
  await page.goto('/profile');
  await atProvider(page, stack);
});

test('a wrong password and a cancelled sign-in', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 422 .*\/signin\//);
  watch.expectConsoleError(CANCELLED_ON_CONSOLE);
  await page.goto('/profile');
  await atProvider(page, stack);
  await enterPassword(page, { ...bob, password: 'not it' });
  await expect(page.getByRole('alert')).toBeVisible();
  await providerForm(page).cancel.click();
  await expect(page).toHaveURL((url) => url.pathname === '/auth/error');
  await page.getByRole('link', { name: 'Try again' }).or(page.getByRole('button', { name: 'Try again' })).click();
  await atProvider(page, stack);
  await enterPassword(page, bob);
  await expect(page).toHaveURL('/profile');
  await expect(claim(page, 'email')).toContainText(bob.email);
});

test('a reload and a restart of the server keep the session', async ({ page, stack }) => {
  await signIn(page, stack);
  await stack.restart();
  await page.reload();
  await signedIn(page);
});

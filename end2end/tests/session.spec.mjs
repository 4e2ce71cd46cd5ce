/**
 * The session: what keeps it, what ends it, and what is left afterwards.
 */
import { expect, test } from '../support/fixtures.mjs';
import { alice, atProvider, claim, hydrated, signedIn, signIn, signInLink, signOut, signOutButton } from '../support/walk.mjs';

/** What a page of the application is told about the session. */
const session = (page) => page.evaluate(async () => {
  const response = await fetch('/auth/session');
  return { status: response.status, cache: response.headers.get('cache-control'), body: await response.json() };
});

test('GET /auth/session says nothing of a visitor, and of a person only what is theirs', async ({ page, stack }) => {
  await page.goto('/');
  expect((await session(page)).body).toEqual({ signed_in: false });
  await signIn(page, stack);
  const { status, cache, body } = await session(page);
  expect(status).toBe(200);
  expect(cache).toContain('no-store');
  expect(body.signed_in).toBe(true);
  expect(body.expires_in).toBeGreaterThan(0);
  expect(body.user).toMatchObject({ email: alice.email, name: alice.name, groups: alice.groups });
  for (const name of ['sid', 'nonce', 'jti', 'at_hash', 'aud', 'azp', 'exp', 'iat']) expect(body.user).not.toHaveProperty(name);
});

test('a reload and a restart of the server keep the session', async ({ page, stack }) => {
  await signIn(page, stack);
  await page.reload();
  await signedIn(page);
  await stack.restart();
  await page.reload();
  await signedIn(page);
  await hydrated(page);
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(claim(page, 'email')).toContainText(alice.email);
});

test('sign-in started before a restart of the server still ends in a session', async ({ page, stack }) => {
  await page.goto('/auth/login?return_to=/profile');
  await atProvider(page, stack);
  await stack.restart();
  await page.getByLabel('Email').fill(alice.email);
  await page.getByLabel('Password').fill(alice.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/profile');
  await expect(claim(page, 'email')).toContainText(alice.email);
});

test('signing out ends the session here and at the provider', async ({ page, stack, watch }) => {
  await signIn(page, stack);
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(claim(page, 'email')).toBeVisible();
  await signOut(page);
  expect(watch.addresses.some((address) => address.startsWith(`${stack.endSession}?`)), 'went to the provider').toBe(true);
  await expect(page).toHaveURL((url) => url.origin === stack.origin && url.pathname === '/');
  expect((await session(page)).body).toEqual({ signed_in: false });
  await signInLink(page).click();
  await atProvider(page, stack);
});

test('after signing out the back button shows nothing private', async ({ page, stack, watch }) => {
  // The provider's form of the sign-in that is over is among the pages one gets back to.
  watch.expectConsoleError(/status of 400 .*\/signin\//);
  await signIn(page, stack);
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(claim(page, 'name')).toContainText(alice.name);
  await hydrated(page);
  await signOut(page);
  for (let steps = 0; steps < 3; steps += 1) {
    await page.goBack();
    await page.waitForLoadState('load');
    await expect(page.locator('body')).toBeVisible();
    await expect(claim(page, 'name')).toHaveCount(0);
    await expect(page.getByText(alice.name)).toHaveCount(0);
    await expect(page.getByText(`Hello, ${alice.given_name}`)).toHaveCount(0);
  }
});

test('signing out in one tab shows in the other at its next step', async ({ context, page, stack }) => {
  await signIn(page, stack);
  const other = await context.newPage();
  await other.goto('/profile');
  await expect(claim(other, 'email')).toBeVisible();
  await signOut(page);
  await other.reload();
  await atProvider(other, stack);
});

test('a signed-out sign-out button of an old page does no harm', async ({ context, page, stack }) => {
  await signIn(page, stack);
  const other = await context.newPage();
  await other.goto('/');
  await hydrated(other);
  await signOut(page);
  await signOutButton(other).click();
  await expect(signInLink(other)).toBeVisible();
});

test('the cookie is out of reach of scripts, and pages with a session are not stored', async ({ context, page, stack, watch }) => {
  await signIn(page, stack);
  await page.goto('/profile');
  expect(await page.evaluate(() => document.cookie)).toBe('');
  const cookies = await context.cookies(stack.origin);
  expect(cookies.length).toBeGreaterThan(0);
  for (const cookie of cookies) {
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
    expect(cookie.name).toContain(new URL(stack.origin).port);
  }
  const profile = watch.exchanges.findLast(({ path }) => path === '/profile');
  expect(profile.headers['cache-control']).toContain('no-store');
});

test('a prefetch or a frame cannot start a sign-in', async ({ page, stack }) => {
  await page.goto('/');
  const answer = await page.request.get('/auth/login', {
    maxRedirects: 0, headers: { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
  });
  expect(answer.status()).toBe(403);
  expect(answer.headers()['set-cookie']).toBeUndefined();
  expect(answer.url()).toBe(`${stack.origin}/auth/login`);
});

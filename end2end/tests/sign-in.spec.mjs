/**
 * Signing in: the ways in, and what happens when it does not work at first.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, bob, CANCELLED_ON_CONSOLE, claim, enterPassword, hydrated, providerForm, signedIn, signIn, signInLink, signOut,
} from '../support/walk.mjs';

test('a visitor signs in through the form and is greeted by name', async ({ page, stack }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Tokens stay on the server');
  await hydrated(page);
  await signInLink(page).click();
  await atProvider(page, stack);
  await enterPassword(page, alice);
  await signedIn(page, alice);
  await hydrated(page);
  await expect(page.getByRole('banner')).toContainText(alice.name);
});

test('a visitor who asks for the profile lands on it after signing in', async ({ page, stack }) => {
  await page.goto('/profile');
  await atProvider(page, stack);
  await enterPassword(page, bob);
  await expect(page).toHaveURL('/profile');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your profile');
  await expect(claim(page, 'email')).toContainText(bob.email);
  await expect(claim(page, 'name')).toContainText(bob.name);
  for (const group of bob.groups) await expect(claim(page, 'groups')).toContainText(group);
});

test('the profile has no protocol claims', async ({ page, stack }) => {
  await signIn(page, stack);
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(claim(page, 'email')).toContainText(alice.email);
  for (const name of ['nonce', 'sid', 'jti', 'at_hash', 'aud', 'azp', 'exp', 'iat', 'nbf']) {
    await expect(claim(page, name)).toHaveCount(0);
  }
});

test('every page of a visitor leads to signing in, and back to itself', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 404/);
  for (const path of ['/', '/no-such-page']) {
    await page.goto(path);
    const href = await signInLink(page).getAttribute('href');
    const target = new URL(href, stack.origin);
    expect(target.pathname).toBe('/auth/login');
    expect(target.searchParams.get('return_to') ?? '/').toBe(path);
  }
});

test('the authorization request has what it needs and is made by the server', async ({ page, stack, watch }) => {
  await page.goto('/');
  await signInLink(page).click();
  await atProvider(page, stack);
  const request = watch.addresses.map((address) => new URL(address)).find(({ pathname }) => pathname.endsWith('/v1/authorize'));
  const parameters = request.searchParams;
  expect(parameters.get('response_type')).toBe('code');
  expect(parameters.get('code_challenge_method')).toBe('S256');
  expect(parameters.get('code_challenge')).toMatch(/^[\w-]{43}$/);
  expect(parameters.get('redirect_uri')).toBe(`${stack.origin}/auth/callback`);
  expect(parameters.get('scope').split(' ')).toEqual(expect.arrayContaining(['openid', 'profile', 'email']));
  expect(parameters.get('nonce').length).toBeGreaterThanOrEqual(22);
  expect(parameters.get('state')).toMatch(/^[\w.-]{22,1024}$/);
  const login = watch.exchanges.find(({ path }) => path.startsWith('/auth/login'));
  expect(login.status).toBe(303);
  expect(login.headers['cache-control']).toContain('no-store');
});

test('the typed call from WebAssembly starts the same sign-in', async ({ page, stack, watch }) => {
  await page.goto('/');
  await hydrated(page);
  const button = page.locator('button[data-testid=sign-in-typed]');
  await expect(button).toBeVisible();
  await button.click();
  await atProvider(page, stack);
  const call = watch.exchanges.find(({ path }) => path.startsWith('/auth/login'));
  expect(call.status).toBe(200);
  await enterPassword(page, alice);
  await signedIn(page, alice);
});

test('two tabs at once both get where they wanted to go', async ({ context, stack }) => {
  const first = await context.newPage();
  const second = await context.newPage();
  await first.goto('/auth/login?return_to=/profile');
  await second.goto('/auth/login?return_to=/');
  await atProvider(first, stack);
  await atProvider(second, stack);
  await enterPassword(first, alice);
  await expect(first).toHaveURL('/profile');
  await enterPassword(second, alice);
  await signedIn(second, alice);
  await first.reload();
  await expect(claim(first, 'email')).toContainText(alice.email);
});

test('a wrong password stays on the form; the right one then signs in', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 422 .*\/signin\//);
  await page.goto('/auth/login?return_to=/profile');
  await atProvider(page, stack);
  await enterPassword(page, { ...alice, password: 'not it' });
  await expect(page.getByRole('alert')).toBeVisible();
  await atProvider(page, stack);
  await enterPassword(page, { ...alice, password: bob.password });
  await expect(page.getByRole('alert')).toBeVisible();
  await enterPassword(page, alice);
  await expect(page).toHaveURL('/profile');
  await expect(claim(page, 'email')).toContainText(alice.email);
});

test('who cancels learns what happened, has a reference, and can try again', async ({ page, stack, watch }) => {
  watch.expectConsoleError(CANCELLED_ON_CONSOLE);
  await page.goto('/auth/login?return_to=/profile');
  await atProvider(page, stack);
  await providerForm(page).cancel.click();
  await expect(page).toHaveURL((url) => url.origin === stack.origin && url.pathname === '/auth/error');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(signInLink(page)).toBeVisible();
  const reference = (await page.getByTestId('error-reference').textContent()).trim();
  expect(reference.length).toBeGreaterThanOrEqual(6);
  expect(stack.log(), 'the log has the reference, too').toContain(new URL(page.url()).searchParams.get('ref'));
  expect(reference).toContain(new URL(page.url()).searchParams.get('ref'));
  await page.getByRole('link', { name: 'Try again' }).or(page.getByRole('button', { name: 'Try again' })).click();
  await atProvider(page, stack);
  await enterPassword(page, alice);
  await expect(page).toHaveURL('/profile');
});

test('signing in as somebody else replaces the session and brings nothing along', async ({ page, stack, context }) => {
  await signIn(page, stack, alice);
  const before = await context.cookies(stack.origin);
  await page.goto('/auth/login?prompt=login&return_to=/profile');
  await atProvider(page, stack);
  await enterPassword(page, bob);
  await expect(page).toHaveURL('/profile');
  await expect(claim(page, 'email')).toContainText(bob.email);
  expect(await page.content()).not.toContain(alice.email);
  const after = await context.cookies(stack.origin);
  const changed = after.filter(({ name, value }) => before.some((cookie) => cookie.name === name && cookie.value !== value));
  expect(changed, 'the session cookie is new').toHaveLength(1);
});

test('the first paint already knows who is signed in', async ({ page, stack, watch }) => {
  await signIn(page, stack);
  const from = watch.exchanges.length;
  await page.goto('/');
  const sent = watch.exchanges.slice(from).find(({ path }) => path === '/').body.toString();
  const html = sent.replace(/<!(--.*?--)?>/gs, '');
  expect(html).toContain(`Hello, ${alice.given_name}`);
  expect(html).toContain(alice.name);
  expect(html).not.toMatch(/<h1[^>]*>[^<]*Tokens stay on the server/);
  await signOut(page);
});

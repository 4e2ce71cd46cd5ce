/**
 * The same way through over https, behind a TLS front, as in a deployment: the `__Host-Http-` cookies are set, sent,
 * and really removed.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, claim, enterPassword, hydrated, signedIn, signIn, signInLink, signOut,
} from '../support/walk.mjs';

test.use({ scheme: 'https' });

const parse = (line) => {
  const [pair, ...attributes] = line.split(/;\s*/);
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes: attributes.map((text) => text.toLowerCase()) };
};
const cookiesIn = (exchanges) => exchanges.flatMap(({ headers }) => headers['set-cookie'] ?? []).map(parse);
const isRemoval = ({ value, attributes }) => value === '' || attributes.includes('max-age=0')
  || attributes.some((text) => text.startsWith('expires=') && Date.parse(text.slice(8)) < Date.now());
const sent = ({ requestHeaders }) => (requestHeaders.cookie ?? '').split('; ').map((pair) => pair.split('=', 1)[0]);

/** The cookie that the callback sets, and keeps: the session's. */
function sessionCookie(exchanges) {
  const callback = exchanges.find(({ path }) => path.startsWith('/auth/callback'));
  const set = cookiesIn([callback]).filter((cookie) => !isRemoval(cookie));
  expect(set, 'the callback sets one cookie').toHaveLength(1);
  return set[0];
}

test('sign in, profile, reload, restart, sign out', async ({ page, stack }) => {
  await page.goto('/');
  await hydrated(page);
  await signInLink(page).click();
  await atProvider(page, stack);
  await enterPassword(page, alice);
  await signedIn(page, alice);
  await page.reload();
  await signedIn(page, alice);
  await stack.restart();
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(claim(page, 'email')).toContainText(alice.email);
  await signOut(page);
});

test('every cookie has the prefix and the attributes it asks for', async ({ context, page, stack, watch }) => {
  await signIn(page, stack);
  await signOut(page);
  const set = cookiesIn(watch.exchanges);
  expect(set.length).toBeGreaterThanOrEqual(3);
  for (const { name, attributes } of set) {
    expect(name).toMatch(/^__Host-Http-/);
    expect(attributes).toEqual(expect.arrayContaining(['secure', 'httponly', 'samesite=lax', 'path=/']));
    expect(attributes.some((text) => text.startsWith('domain='))).toBe(false);
  }
  for (const cookie of await context.cookies(stack.origin)) {
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/', domain: 'localhost' });
  }
});

test('the session cookie is kept by the browser, sent, and really removed at sign-out', async ({ context, page, stack, watch }) => {
  await signIn(page, stack);
  const { name, value } = sessionCookie(watch.exchanges);
  expect((await context.cookies(stack.origin)).find((cookie) => cookie.name === name)?.value).toBe(value);
  await page.goto('/profile');
  await expect(claim(page, 'email')).toBeVisible();
  expect(sent(watch.exchanges.findLast(({ path }) => path === '/profile'))).toContain(name);

  await signOut(page);
  const answer = watch.exchanges.findLast(({ method, path }) => method === 'POST' && path === '/auth/logout');
  const removal = cookiesIn([answer]).filter((cookie) => cookie.name === name);
  expect(removal).toHaveLength(1);
  expect(isRemoval(removal[0])).toBe(true);
  expect((await context.cookies(stack.origin)).map((cookie) => cookie.name)).not.toContain(name);
  await page.goto('/');
  expect(sent(watch.exchanges.findLast(({ path }) => path === '/'))).not.toContain(name);

  // The cookie is not only gone here: whoever kept a copy has nothing, either.
  const replay = await page.request.get('/auth/session', { headers: { cookie: `${name}=${value}` } });
  expect(await replay.json()).toEqual({ signed_in: false });
});

test('pages behind the TLS front carry the hardening headers', async ({ page, watch }) => {
  await page.goto('/');
  const { headers } = watch.exchanges.find(({ path }) => path === '/');
  expect(headers['content-security-policy']).toBeTruthy();
  expect(headers['content-security-policy']).not.toContain('unsafe-inline');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBeTruthy();
});

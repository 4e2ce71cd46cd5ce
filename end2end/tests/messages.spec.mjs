/**
 * The messages of the sample API: seen through the proxy and through a server function, sent, and told of while one looks.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, bob, board, boardReady, enterPassword, hydrated, newText, openBoard, post, signIn, signInLink,
} from '../support/walk.mjs';

test('a signed-in person finds the messages from any page', async ({ page, stack }) => {
  await signIn(page, stack);
  await hydrated(page);
  await page.getByRole('banner').getByRole('link', { name: 'Messages' }).click();
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
});

test('the page shows them through the proxy, with the person\'s token, which it never sees', async ({ page, stack, watch }) => {
  const { messages } = await openBoard(page, stack);
  const text = newText();
  await post(page, text);
  await page.reload();
  await expect(messages.filter({ hasText: text })).toHaveCount(1);

  const asked = watch.exchanges.findLast(({ method, path }) => method === 'GET' && path === '/api/sample/messages');
  expect(asked).toMatchObject({ status: 200, requestHeaders: { 'x-csrf': '1' } });
  expect(asked.requestHeaders).not.toHaveProperty('authorization');
  expect(asked.body.toString()).toContain(text);

  const { requestHeaders } = stack.calls('GET').at(-1);
  const [, payload] = /^Bearer [\w-]+\.([\w-]+)\.[\w-]+$/.exec(requestHeaders.authorization);
  expect(JSON.parse(Buffer.from(payload, 'base64url'))).toMatchObject({ uid: alice.sub, aud: 'api://default' });
});

test('and through a server function, in the page itself', async ({ page, stack, watch }) => {
  const { fromServer } = await openBoard(page, stack);
  const text = newText();
  await post(page, text);
  await page.reload();
  await expect(fromServer).toContainText(text);
  const html = watch.exchanges.findLast(({ method, path }) => method === 'GET' && path === '/messages');
  expect(html.body.toString(), 'the server has rendered it').toContain(text);
});

test('a message that is sent is there at once, and for good', async ({ page, stack }) => {
  const { messages, send, text: box } = await openBoard(page, stack);
  const text = newText('Hung on a peg: <b>&</b> "quoted"');
  await box.fill(text);
  await send.click();
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  await expect(box).toHaveValue('');
  expect(stack.calls('POST').filter(({ status, body }) => status === 201 && JSON.parse(body).text === text)).toHaveLength(1);
  await page.reload();
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
});

test('Enter sends, too', async ({ page, stack }) => {
  const { messages, text: box } = await openBoard(page, stack);
  const text = newText();
  await box.fill(text);
  await box.press('Enter');
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  await expect(page).toHaveURL('/messages');
});

test('somebody else sees it without doing anything', async ({ page, stack, anotherBrowser }) => {
  const { send, text: box } = await openBoard(page, stack, alice);
  const other = await (await anotherBrowser()).newPage();
  const { messages } = await openBoard(other, stack, bob);
  await other.evaluate(() => { window.sameDocument = true; });
  for (const text of [newText('First'), newText('Second')]) {
    await box.fill(text);
    await send.click();
    await expect(messages.filter({ hasText: text })).toHaveCount(1);
  }
  expect(await other.evaluate(() => window.sameDocument), 'nothing was loaded again').toBe(true);
  await expect(board(page).messages.filter({ hasText: 'First' }).first()).toBeVisible();
});

test('the event stream is one of the answers that are searched for secrets', async ({ page, stack, watch }) => {
  await openBoard(page, stack);
  const text = newText();
  const stream = () => watch.exchanges.find(({ path }) => path.startsWith('/api/sample/events'));
  await expect.poll(() => stream()?.status).toBe(200);
  await post(page, text);
  await expect.poll(() => stream().body.toString()).toContain(text);
  expect(stream().headers['content-type']).toContain('text/event-stream');
  expect(stream().requestHeaders).not.toHaveProperty('x-csrf');
  const { leaks } = await watch.searchForSecrets();
  expect(leaks).toEqual([]);
});

test('while the API does not answer the page says so, and keeps what was typed', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 50[234] .*\/api\/sample\//);
  watch.expectConsoleError(/ERR_(INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|CONNECTION_RESET|ABORTED) .*\/api\/sample\/events/);
  const { notice, messages, send, text: box } = await openBoard(page, stack);
  const text = newText();
  await box.fill(text);
  await stack.withoutApi(async () => {
    await send.click();
    await expect(notice).toBeVisible();
    await expect(notice).toContainText(/does not answer|cannot be reached/i);
    await expect(box).toHaveValue(text);
  });
  await send.click();
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  await expect(notice).toBeHidden();
});

test('a visitor is led to sign in, and back', async ({ page, stack }) => {
  await page.goto('/messages');
  // A page of its own that offers to sign in, or the provider at once: either is a way in.
  const way = signInLink(page);
  await expect(async () => {
    expect(page.url().startsWith(stack.issuer) || await way.isVisible()).toBe(true);
  }).toPass();
  if (!page.url().startsWith(stack.issuer)) await way.click();
  await atProvider(page, stack);
  await enterPassword(page, bob);
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('the messages are there, and one more can be sent', async ({ page, stack }) => {
    await page.goto('/auth/login?return_to=/messages');
    await atProvider(page, stack);
    await enterPassword(page, alice);
    await expect(page).toHaveURL('/messages');
    const { fromServer, send, text: box } = board(page);
    await expect(fromServer).toBeVisible();
    const text = newText('Sent with a form alone:');
    await box.fill(text);
    await send.click();
    await expect(page).toHaveURL((url) => url.origin === stack.origin && url.pathname === '/messages');
    await expect(fromServer).toContainText(text);
    expect(stack.calls('POST').filter(({ status, body }) => status === 201 && JSON.parse(body).text === text)).toHaveLength(1);
  });
});

/**
 * Access tokens that are good for five seconds: the page goes on, and the provider is asked once for all.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, boardReady, callApi, endSession, newText, openBoard, signedIn, signIn, untilTokensEnd,
} from '../support/walk.mjs';

test.use({ accessTokenTtl: 5 });

const session = (page) => page.evaluate(async () => (await fetch('/auth/session?touch=false')).json());

test('the page goes on working when the access token is over', async ({ page, stack }) => {
  const { messages, send, text: box, notice, signInAgain } = await openBoard(page, stack);
  const before = stack.refreshes().length;
  for (const text of [newText('First'), newText('Second')]) {
    await untilTokensEnd(stack);
    await box.fill(text);
    await send.click();
    await expect(messages.filter({ hasText: text })).toHaveCount(1);
    await expect(notice).toBeHidden();
    await expect(signInAgain).toBeHidden();
  }
  const refreshes = stack.refreshes().slice(before);
  expect(refreshes.length, 'the provider was asked for new tokens').toBeGreaterThanOrEqual(2);
  expect(refreshes.every((status) => status === 200)).toBe(true);
  const used = new Set(stack.calls('POST').slice(-2).map(({ requestHeaders }) => requestHeaders.authorization));
  expect(used.size, 'each message went with a token of its own').toBe(2);
});

test('eight tabs at once cause one refresh', async ({ context, page, stack }) => {
  await signIn(page, stack);
  const tabs = [page];
  while (tabs.length < 8) {
    const tab = await context.newPage();
    await tab.goto('/');
    await signedIn(tab, alice);
    tabs.push(tab);
  }
  await untilTokensEnd(stack);
  const before = stack.refreshes().length;
  const answers = await Promise.all(tabs.map((tab) => callApi(tab, '/api/sample/messages')));
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
  expect(stack.refreshes().slice(before)).toEqual([200]);
  const tokens = stack.calls('GET').slice(-8).map(({ requestHeaders }) => requestHeaders.authorization);
  expect(new Set(tokens).size, 'and all call with the new token').toBe(1);
});

test('a server function refreshes as well', async ({ page, stack }) => {
  const { fromServer } = await openBoard(page, stack);
  const before = stack.refreshes().length;
  await untilTokensEnd(stack);
  await page.reload();
  await expect(fromServer).toBeVisible();
  expect(stack.refreshes().length).toBeGreaterThan(before);
});

test('a refresh outlives a restart of the server, and whoever only looks at pages causes none', async ({ page, stack }) => {
  await signIn(page, stack);
  await untilTokensEnd(stack);
  const before = stack.refreshes().length;
  await page.reload();
  await signedIn(page, alice);
  expect(stack.refreshes()).toHaveLength(before);
  await stack.restart();
  expect((await callApi(page, '/api/sample/messages')).status).toBe(200);
  expect(stack.refreshes().slice(before)).toEqual([200]);
});

test('the session says that APIs can be called, and for how long nobody has to be asked', async ({ page, stack }) => {
  await signIn(page, stack);
  await untilTokensEnd(stack);
  expect(await session(page)).toMatchObject({ signed_in: true, user: { email: alice.email } });
  expect((await session(page)).sign_in_again ?? false).toBe(false);
});

test('a provider that has ended the session ends it here; what was typed stays', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 401 .*\/(api|_fn)\//);
  const { send, text: box, signInAgain, messages } = await openBoard(page, stack);
  await stack.revokeRefreshToken();
  await untilTokensEnd(stack);
  const before = stack.refreshes().length;
  const text = newText('Not lost');
  await box.fill(text);
  await send.click();
  await expect(signInAgain).toBeVisible();
  await expect(box).toHaveValue(text);
  expect(stack.refreshes().slice(before)).toEqual([400]);
  expect(await session(page)).toMatchObject({ signed_in: false });

  await signInAgain.click();
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  const sent = () => stack.calls('POST').filter(({ status, body }) => status === 201 && JSON.parse(body).text === text);
  if (sent().length === 0) {
    await expect(box).toHaveValue(text);
    await send.click();
  }
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  expect(sent()).toHaveLength(1);
});

test('signing out while the token is over asks the provider for no new one', async ({ page, stack }) => {
  await signIn(page, stack);
  await untilTokensEnd(stack);
  const before = stack.refreshes().length;
  expect(await endSession(page)).toBe(204);
  expect(await session(page)).toMatchObject({ signed_in: false });
  expect(stack.refreshes()).toHaveLength(before);
});

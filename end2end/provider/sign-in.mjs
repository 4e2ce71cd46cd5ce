/**
 * The sign-in form: shows it, checks the password, and hands the result back to oidc-provider.
 */
import { accounts, authenticate } from './accounts.mjs';
import { text } from './access-token.mjs';
import { messagePage, pageHeaders, signInPage } from './pages.mjs';

const CANCELLED = {
  error: 'access_denied',
  error_description: 'The resource owner or authorization server denied the request.',
};

const send = (res, status, headers, body) => res.writeHead(status, headers).end(body);

/**
 * @param {import('oidc-provider').default} provider
 * @param {{ publicUrl: string, log: (line: string) => void }} options
 * @returns {(req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) => Promise<void>}
 */
export function signInHandler(provider, { publicUrl, log }) {
  const headers = pageHeaders(publicUrl);

  const show = async (req, res, interaction, view = {}) => {
    const client = await provider.Client.find(interaction.params.client_id);
    send(res, view.problem ? 422 : 200, headers, signInPage({
      action: req.originalUrl,
      client: client?.clientName ?? interaction.params.client_id,
      email: interaction.params.login_hint,
      accounts,
      ...view,
    }));
  };

  const signIn = async (req, res, account) => {
    const returnTo = await provider.interactionResult(req, res, {
      login: { accountId: account.sub, amr: ['pwd'], acr: 'urn:okta:loa:1fa:pwd' },
    }, { mergeWithLastSubmission: false });
    await forgetOtherAccount(req, res, account);
    log(`Signed in: ${account.email}`);
    send(res, 303, { location: returnTo, 'cache-control': 'no-store' });
  };

  // oidc-provider ends the session of another account by a page that posts itself with JavaScript. Taking that
  // account out of the session first makes it one redirect, with or without JavaScript.
  const forgetOtherAccount = async (req, res, account) => {
    const session = await provider.Session.get(provider.createContext(req, res));
    if (!session.accountId || session.accountId === account.sub) return;
    session.accountId = undefined;
    session.authorizations = undefined;
    await session.persist();
  };

  return async (req, res) => {
    let interaction;
    try {
      interaction = await provider.interactionDetails(req, res);
    } catch {
      send(res, 400, headers, messagePage({
        title: 'This sign-in has ended',
        text: 'It took too long, or it was finished in another tab. Go back to the application and sign in again.',
        back: publicUrl,
      }));
      return;
    }
    if (req.method === 'GET') {
      await show(req, res, interaction);
      return;
    }
    if (req.method !== 'POST') {
      send(res, 405, { allow: 'GET, POST' }, '');
      return;
    }
    const form = new URLSearchParams(await text(req));
    if (form.get('action') === 'cancel') {
      log('Sign-in cancelled');
      await provider.interactionFinished(req, res, CANCELLED, { mergeWithLastSubmission: false });
      return;
    }
    const email = form.get('email') ?? '';
    const account = authenticate(email, form.get('password') ?? '');
    if (account) {
      await signIn(req, res, account);
    } else {
      log('Sign-in refused: wrong email or password');
      await show(req, res, interaction, { email, problem: 'The email or the password is not right. Please try again.' });
    }
  };
}

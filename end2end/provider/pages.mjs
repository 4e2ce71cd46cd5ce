/**
 * The pages of the development provider: plain HTML that works without JavaScript, one style sheet inside the page,
 * nothing loaded from anywhere.
 */
import { createHash } from 'node:crypto';

const STYLE = `
:root{color-scheme:light dark;--ground:#f3f1ec;--card:#fff;--text:#1d1f24;--quiet:#5a5e68;--line:#8b8f99;--accent:#274bb5;
--on-accent:#fff;--bad:#a61b1b;--bad-ground:#fdeeee;--note:#f4f5f8}
@media (prefers-color-scheme:dark){:root{--ground:#14161b;--card:#1e2128;--text:#eceef2;--quiet:#aeb3bf;--line:#7d8390;
--accent:#a9bfff;--on-accent:#10131a;--bad:#ffb4ab;--bad-ground:#3a1d1d;--note:#282c35}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem 1rem;background:var(--ground);color:var(--text);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:25rem;background:var(--card);border-radius:1rem;padding:2rem;
box-shadow:0 1px 2px rgb(0 0 0/.08),0 12px 32px rgb(0 0 0/.08)}
.mark{margin:0 0 1.25rem;font-size:.875rem;color:var(--quiet)}
h1{margin:0 0 .25rem;font-size:1.5rem;line-height:1.25}
p{margin:0 0 1rem}
.quiet{color:var(--quiet)}
label{display:block;margin:1rem 0 .375rem;font-weight:600}
input{width:100%;font:inherit;padding:.625rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:transparent;color:inherit}
input[aria-invalid=true]{border-color:var(--bad)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
button{flex:1 1 8rem;font:inherit;font-weight:600;padding:.625rem 1rem;border-radius:.5rem;border:1px solid var(--accent);cursor:pointer;
background:var(--accent);color:var(--on-accent)}
button.plain{background:transparent;color:var(--accent)}
a{color:var(--accent)}
.alert{padding:.75rem 1rem;border-radius:.5rem;background:var(--bad-ground);color:var(--bad);font-weight:600;margin:1rem 0 0}
.note{margin-top:1.75rem;padding:1rem;border-radius:.5rem;background:var(--note);font-size:.875rem}
.note h2{margin:0 0 .5rem;font-size:.875rem}
dl{margin:0}dt{font-weight:600}dd{margin:0 0 .5rem}dd:last-child{margin:0}
code{font:.875em ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** @param {unknown} value */
export const escape = (value) => String(value ?? '').replace(/[&<>"']/g, (character) => ENTITIES[character]);

/**
 * Headers for every page. Chromium applies `form-action` to the redirects that follow a form, too, so the application
 * that gets the answer is named besides this provider.
 *
 * @param {string} publicUrl
 */
export const pageHeaders = (publicUrl) => ({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; `
    + `form-action 'self' ${new URL(publicUrl).origin}; frame-ancestors 'none'; base-uri 'none'`,
});

const layout = (title, content) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} - Development identity provider</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="mark">Development identity provider</p>
${content}
</main>
</body>
</html>
`;

/**
 * @param {object} view
 * @param {string} view.action    where the form goes
 * @param {string} view.client    the application that asked
 * @param {string} [view.email]   what the person typed, or the login hint
 * @param {string} [view.problem] what was wrong with the last try
 * @param {readonly import('./accounts.mjs').Account[]} view.accounts
 */
export const signInPage = ({ action, client, email = '', problem, accounts }) => layout(`${problem ? 'Error: ' : ''}Sign in`, `
<h1>Sign in</h1>
<p class="quiet">to continue to ${escape(client)}</p>
${problem ? `<p class="alert" role="alert" id="problem">${escape(problem)}</p>` : ''}
<form method="post" action="${escape(action)}">
<label for="email">Email</label>
<input id="email" name="email" type="email" autocomplete="username" required value="${escape(email)}"${email ? '' : ' autofocus'}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${email ? ' autofocus' : ''}${
  problem ? ' aria-invalid="true" aria-describedby="problem"' : ''}>
<div class="actions">
<button name="action" value="sign-in">Sign in</button>
<button class="plain" name="action" value="cancel" formnovalidate>Cancel</button>
</div>
</form>
<section class="note" aria-labelledby="demo">
<h2 id="demo">Demo accounts</h2>
<dl>
${accounts.map(({ email: address, password, code }) => `<dt>${escape(address)}</dt><dd><code>${escape(password)}</code>${
  code === undefined ? ' (has no second factor)' : ''}</dd>`).join('\n')}
</dl>
</section>`);

/**
 * @param {object} view
 * @param {string} view.action    where the form goes
 * @param {string} view.client    the application that asked
 * @param {string} [view.problem] what was wrong with the last try
 * @param {import('./accounts.mjs').Account} view.account
 */
export const secondFactorPage = ({ action, client, problem, account }) => layout(`${problem ? 'Error: ' : ''}Confirm it is you`, `
<h1>Confirm it is you</h1>
<p class="quiet">${escape(account.email)}, to continue to ${escape(client)}</p>
${problem ? `<p class="alert" role="alert" id="problem">${escape(problem)}</p>` : ''}
<form method="post" action="${escape(action)}">
<label for="code">Six-digit code</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus${
  problem ? ' aria-invalid="true" aria-describedby="problem"' : ''}>
<div class="actions">
<button name="action" value="confirm">Confirm</button>
<button class="plain" name="action" value="cancel" formnovalidate>Cancel</button>
</div>
</form>
<section class="note" aria-labelledby="demo">
<h2 id="demo">Demo account</h2>
<dl>
<dt>${escape(account.email)}</dt><dd><code>${escape(account.code)}</code></dd>
</dl>
</section>`);

/** @param {{ title: string, text: string, detail?: string, back?: string }} view */
export const messagePage = ({ title, text, detail, back }) => layout(title, `
<h1>${escape(title)}</h1>
<p>${escape(text)}</p>
${detail ? `<p class="quiet"><code>${escape(detail)}</code></p>` : ''}
${back ? `<p><a href="${escape(back)}">Back to the application</a></p>` : ''}`);

/** @param {string} form oidc-provider's hidden form, which the buttons belong to */
export const signOutPage = (form) => layout('Sign out', `
<h1>Sign out?</h1>
<p>You are about to sign out here, and of the applications that rely on it.</p>
${form}
<div class="actions">
<button form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button class="plain" form="op.logoutForm">Stay signed in</button>
</div>`);

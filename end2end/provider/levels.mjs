/**
 * How surely people are known here, in Okta's names for it, and what a request asks for: `acr_values` and the `acr`
 * claim (OpenID Connect Core 1.0, sections 3.1.2.1 and 5.5.1.1), and the error for what cannot be had (OpenID Connect
 * Core Error Code unmet_authentication_requirements 1.0). As Okta does it, `acr_values` are a must.
 */
import { accountBySub } from './accounts.mjs';

export const ONE_FACTOR = 'urn:okta:loa:1fa:any';
export const PASSWORD = 'urn:okta:loa:1fa:pwd';
export const TWO_FACTORS = 'urn:okta:loa:2fa:any';

/** What satisfies each level. */
const SATISFIED_BY = new Map([
  [ONE_FACTOR, [PASSWORD, TWO_FACTORS]],
  [PASSWORD, [PASSWORD, TWO_FACTORS]],
  [TWO_FACTORS, [TWO_FACTORS]],
]);

/** The interaction that asks for it. */
export const SECOND_FACTOR = 'second_factor';

export const levels = [...SATISFIED_BY.keys()];

const satisfies = (level, asked) => SATISFIED_BY.get(asked).includes(level);

/** The levels that a request asks for, the one it likes best first; unknown ones are left out. */
function asked(oidc) {
  const { value, values = [], essential = false } = oidc.claims?.id_token?.acr ?? {};
  const all = value === undefined ? [values].flat() : [value];
  return { known: all.filter((name) => SATISFIED_BY.has(name)), refuseUnknown: essential && all.length > 0 };
}

/**
 * What the signed-in person still has to do for what was asked: `nothing`, a `second-factor`, or it is `unmet` whatever
 * they do.
 *
 * @param {import('oidc-provider').KoaContextWithOIDC['oidc']} oidc
 * @returns {'nothing' | 'second-factor' | 'unmet'}
 */
export function missing(oidc) {
  const { known, refuseUnknown } = asked(oidc);
  if (known.length === 0) return refuseUnknown ? 'unmet' : 'nothing';
  const attainable = accountBySub(oidc.session.accountId)?.code === undefined ? PASSWORD : TWO_FACTORS;
  const best = known.find((name) => satisfies(attainable, name));
  if (best === undefined) return 'unmet';
  return satisfies(oidc.session.acr, best) ? 'nothing' : 'second-factor';
}

/** What tokens say of the session: in the words of the request, where it is one of those that were asked for. */
export function reported(oidc) {
  const { acr } = oidc.session;
  return acr && (asked(oidc).known.find((name) => satisfies(acr, name)) ?? acr);
}

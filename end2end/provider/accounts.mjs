/**
 * The demo accounts: three people who differ in name, email, groups and what they can prove, and the check of it.
 *
 * @typedef {object} Account
 * @property {string} sub       Subject, in the form of an Okta user id
 * @property {string} password  Shown on the sign-in page: these accounts open nothing
 * @property {string} [code]    The second factor, shown on its page; absent: this person has none
 * @property {string} name
 * @property {string} given_name
 * @property {string} family_name
 * @property {string} email
 * @property {boolean} email_verified
 * @property {string} preferred_username
 * @property {string} locale
 * @property {string} zoneinfo
 * @property {string[]} groups
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** @type {readonly Account[]} */
export const accounts = Object.freeze([
  {
    sub: '00udemoalice00000001',
    password: 'alice-hangs-her-coat',
    code: '314159',
    name: 'Alice Example',
    given_name: 'Alice',
    family_name: 'Example',
    email: 'alice@example.com',
    email_verified: true,
    preferred_username: 'alice@example.com',
    locale: 'en-US',
    zoneinfo: 'Europe/Berlin',
    groups: ['Everyone', 'Engineering', 'Administrators'],
  },
  {
    sub: '00udemobob0000000002',
    password: 'bob-keeps-his-ticket',
    code: '271828',
    name: 'Bob Sample',
    given_name: 'Bob',
    family_name: 'Sample',
    email: 'bob@example.com',
    email_verified: false,
    preferred_username: 'bob@example.com',
    locale: 'de-DE',
    zoneinfo: 'Europe/Berlin',
    groups: ['Everyone', 'Support'],
  },
  {
    sub: '00udemocarol00000003',
    password: 'carol-travels-light',
    name: 'Carol Specimen',
    given_name: 'Carol',
    family_name: 'Specimen',
    email: 'carol@example.com',
    email_verified: true,
    preferred_username: 'carol@example.com',
    locale: 'en-GB',
    zoneinfo: 'Europe/London',
    groups: ['Everyone'],
  },
]);

const digest = (value) => createHash('sha256').update(value, 'utf8').digest();

/**
 * The account whose email and password these are. Takes as long for an unknown email as for a wrong
 * password, and compares digests of one length, so that the answer's time says nothing.
 *
 * @param {string} email     in any case, with or without surrounding space
 * @param {string} password
 * @returns {Account | undefined}
 */
export function authenticate(email, password) {
  const wanted = email.trim().toLowerCase();
  const given = digest(password);
  let found;
  for (const account of accounts) {
    const matches = timingSafeEqual(digest(account.password), given);
    if (account.email === wanted && matches) found = account;
  }
  return found;
}

/**
 * Whether this is the account's second factor.
 *
 * @param {Account} account
 * @param {string} code  six digits, with or without spaces
 */
export function provesPresence(account, code) {
  return account.code !== undefined && timingSafeEqual(digest(account.code), digest(code.replace(/\s/g, '')));
}

/** @param {string} sub */
export const accountBySub = (sub) => accounts.find((account) => account.sub === sub);

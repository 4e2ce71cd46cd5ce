/**
 * A provider that asks for the most, over https behind a TLS front. See ../support/strict.mjs.
 */
import { test } from '../support/fixtures.mjs';
import { strictWalks } from '../support/strict.mjs';

test.use({ scheme: 'https', strict: true });

strictWalks();

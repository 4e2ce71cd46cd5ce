/**
 * A provider that asks for the most, over plain http on loopback. See ../support/strict.mjs.
 */
import { test } from '../support/fixtures.mjs';
import { strictWalks } from '../support/strict.mjs';

test.use({ scheme: 'http', strict: true });

strictWalks();

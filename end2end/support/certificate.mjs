/**
 * A self-signed certificate for `localhost`, good for a day, made without any tool: X.509 v3 (RFC 5280) in DER, signed
 * with ECDSA on P-256.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const tlv = (tag, ...parts) => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts) => tlv(0x30, ...parts);
const set = (...parts) => tlv(0x31, ...parts);
const integer = (bytes) => tlv(0x02, bytes);
const bits = (bytes) => tlv(0x03, Buffer.from([0]), bytes);
const octets = (bytes) => tlv(0x04, bytes);
const utf8 = (text) => tlv(0x0c, Buffer.from(text));
const time = (date) => tlv(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`));
const oid = (hex) => tlv(0x06, Buffer.from(hex, 'hex'));

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const SUBJECT_ALTERNATIVE_NAME = oid('551d11');
const DNS_NAME = 0x82;
const DAY = 24 * 60 * 60 * 1000;

/** @returns {{ key: string, cert: string }} PEM */
export function localhostCertificate() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(COMMON_NAME, utf8('localhost'))));
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const alternativeNames = sequence(tlv(DNS_NAME, Buffer.from('localhost')));
  const toSign = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(new Date(Date.now() - DAY)), time(new Date(Date.now() + DAY))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(sequence(SUBJECT_ALTERNATIVE_NAME, octets(alternativeNames)))),
  );
  const certificate = sequence(toSign, ECDSA_WITH_SHA256, bits(sign('sha256', toSign, privateKey)));
  const base64 = certificate.toString('base64').match(/.{1,64}/g).join('\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

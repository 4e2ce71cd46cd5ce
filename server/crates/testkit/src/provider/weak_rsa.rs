//! A signature with an RSA key of 1,024 bits, which RFC 7518, section 3.3, forbids and aws-lc-rs refuses to make: by hand,
//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.1) over Montgomery multiplication. The key is fixed, published
//! and worthless on purpose.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::keys::base64url;

/// Its `kid`.
pub(super) const KID: &str = "RS256-1024-bits";

/// 32 limbs of 32 bits: 1,024 bits, least significant limb first.
const LIMBS: usize = 32;
type Number = [u32; LIMBS];

const MODULUS: Number = [
    0xcca2_bf3f,
    0x7351_c85a,
    0x2216_f85c,
    0x935f_976c,
    0x23d7_f6fa,
    0xda7a_847b,
    0x8309_feaa,
    0x67e2_600e,
    0xa43b_3ec8,
    0x1d87_bdbd,
    0x3189_f62a,
    0xfb3a_103d,
    0x0640_8e32,
    0x5410_b1aa,
    0x7780_c4e1,
    0x91b1_7f4e,
    0x46e3_9f7a,
    0x23c7_c192,
    0x9e9c_ebf0,
    0x89e7_8dec,
    0x41d5_ad4f,
    0x4c63_c9a8,
    0x1f9a_3a21,
    0x0ae5_eebc,
    0x413a_18fe,
    0x4a63_643e,
    0xce40_3e43,
    0xa80f_4209,
    0x021e_1700,
    0x90fc_40b0,
    0x64c8_653b,
    0xe685_1a83,
];

const PRIVATE_EXPONENT: Number = [
    0xa1a9_4621,
    0x0f38_629d,
    0x6aa8_e1a8,
    0x4587_e619,
    0xf864_3904,
    0x612a_5ba0,
    0x4fb3_1f6b,
    0xd623_fada,
    0x6a80_c874,
    0x4678_f0f0,
    0xa94b_cb44,
    0x7217_0e8a,
    0x6ed2_ee79,
    0x6119_ee17,
    0x4bd6_6bc2,
    0xa1f6_9bfb,
    0x1f9b_75a2,
    0xe44d_2121,
    0x2984_ad0c,
    0x88d5_95cb,
    0x4599_fda3,
    0x8ffe_20b9,
    0x3279_1423,
    0xbfd3_5761,
    0xb379_3609,
    0xf424_fc26,
    0x6048_b26b,
    0x603c_cdc1,
    0x2f70_5451,
    0x47a0_126d,
    0x04fa_58d2,
    0x729b_8476,
];

/// DER of `DigestInfo` up to the SHA-256 hash (RFC 8017, section 9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// The public key as a JWK.
pub(super) fn jwk() -> Value {
    let n = base64url(&to_bytes(&MODULUS));
    json!({"kty": "RSA", "n": n, "e": "AQAB", "kid": KID, "use": "sig", "alg": "RS256"})
}

/// The RS256 signature over `message`.
pub(super) fn sign(message: &[u8]) -> Vec<u8> {
    let mut encoded = vec![0xff; 4 * LIMBS];
    let hash = digest(&SHA256, message);
    let tail = [&[0], &DIGEST_INFO[..], hash.as_ref()].concat();
    let start = encoded.len() - tail.len();
    encoded[start..].copy_from_slice(&tail);
    encoded[..2].copy_from_slice(&[0, 1]);
    to_bytes(&power(&from_bytes(&encoded), &PRIVATE_EXPONENT))
}

/// `base` to the `exponent`, modulo the modulus.
fn power(base: &Number, exponent: &Number) -> Number {
    // R = 2^1024. R^2 modulo the modulus, by doubling 1 often enough.
    let mut one = [0; LIMBS];
    one[0] = 1;
    let mut squared_r = one;
    for _ in 0..2 * 32 * LIMBS {
        squared_r = doubled(&squared_r);
    }
    let base = montgomery(base, &squared_r);
    let mut result = montgomery(&one, &squared_r);
    for limb in exponent.iter().rev() {
        for bit in (0..32).rev() {
            result = montgomery(&result, &result);
            if limb >> bit & 1 == 1 {
                result = montgomery(&result, &base);
            }
        }
    }
    montgomery(&result, &one)
}

/// `one * other / R` modulo the modulus (Montgomery, coarsely integrated operand scanning).
fn montgomery(one: &Number, other: &Number) -> Number {
    let inverse = negative_inverse();
    let mut sum = [0_u32; LIMBS + 2];
    for &limb in other {
        add_product(&mut sum, one, limb);
        let factor = sum[0].wrapping_mul(inverse);
        add_product(&mut sum, &MODULUS, factor);
        // The lowest limb is zero by now: shift it out.
        sum.copy_within(1.., 0);
        sum[LIMBS + 1] = 0;
    }
    let mut result = [0; LIMBS];
    result.copy_from_slice(&sum[..LIMBS]);
    if sum[LIMBS] > 0 || !is_less(&result, &MODULUS) {
        subtract(&mut result);
    }
    result
}

fn add_product(sum: &mut [u32; LIMBS + 2], number: &Number, factor: u32) {
    let mut carry = 0;
    for (place, &limb) in sum.iter_mut().zip(number) {
        let whole = u64::from(*place) + u64::from(limb) * u64::from(factor) + carry;
        *place = low(whole);
        carry = whole >> 32;
    }
    for place in &mut sum[LIMBS..] {
        let whole = u64::from(*place) + carry;
        *place = low(whole);
        carry = whole >> 32;
    }
}

/// `-1 / modulus` modulo 2^32 (Newton: each round doubles the bits that are right).
fn negative_inverse() -> u32 {
    let mut inverse = 1_u32;
    for _ in 0..5 {
        let error = MODULUS[0].wrapping_mul(inverse);
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(error));
    }
    inverse.wrapping_neg()
}

fn doubled(number: &Number) -> Number {
    let mut result = [0; LIMBS];
    let mut carry = 0;
    for (place, &limb) in result.iter_mut().zip(number) {
        *place = limb << 1 | carry;
        carry = limb >> 31;
    }
    if carry > 0 || !is_less(&result, &MODULUS) {
        subtract(&mut result);
    }
    result
}

fn is_less(one: &Number, other: &Number) -> bool {
    one.iter().rev().lt(other.iter().rev())
}

/// Takes the modulus away once. A borrow at the end is that of the carry which brought us here.
fn subtract(number: &mut Number) {
    let mut borrow = false;
    for (place, &limb) in number.iter_mut().zip(&MODULUS) {
        let (rest, first) = place.overflowing_sub(limb);
        let (rest, second) = rest.overflowing_sub(u32::from(borrow));
        (*place, borrow) = (rest, first || second);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is meant"
)]
fn low(whole: u64) -> u32 {
    whole as u32
}

fn to_bytes(number: &Number) -> Vec<u8> {
    number
        .iter()
        .rev()
        .flat_map(|limb| limb.to_be_bytes())
        .collect()
}

fn from_bytes(bytes: &[u8]) -> Number {
    let mut number = [0; LIMBS];
    for (limb, bytes) in number.iter_mut().rev().zip(bytes.chunks_exact(4)) {
        *limb = bytes
            .iter()
            .fold(0, |limb, byte| limb << 8 | u32::from(*byte));
    }
    number
}

//! Bodies too large to keep: bytes that two ends make and check alike, without either holding them.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};

const BLOCK: usize = 64 * 1024;

/// So many bytes of one sequence that does not repeat.
#[derive(Debug)]
pub(crate) struct Pattern {
    block: Vec<u8>,
    left: u64,
    number: u64,
}

impl Pattern {
    /// The first so many bytes of it.
    pub(crate) fn new(bytes: u64) -> Self {
        // A linear congruential generator: nothing compresses it, and no two blocks are alike.
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let block = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        });
        Self {
            block: block.take(BLOCK).collect(),
            left: bytes,
            number: 0,
        }
    }

    /// The next piece. `None` when all were given.
    pub(crate) fn piece(&mut self) -> Option<&[u8]> {
        if self.left == 0 {
            return None;
        }
        self.block[..8].copy_from_slice(&self.number.to_be_bytes());
        self.number += 1;
        let size = usize::try_from(self.left).unwrap_or(BLOCK).min(BLOCK);
        self.left -= size as u64;
        Some(&self.block[..size])
    }

    /// What [`Sum`] says of the first so many bytes.
    pub(crate) fn sum(bytes: u64) -> String {
        let (mut pattern, mut sum) = (Self::new(bytes), Sum::default());
        while let Some(piece) = pattern.piece() {
            sum.add(piece);
        }
        sum.finish()
    }
}

/// How many bytes, and their SHA-256.
pub(crate) struct Sum {
    bytes: u64,
    context: Context,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            bytes: 0,
            context: Context::new(&SHA256),
        }
    }
}

impl Sum {
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.context.update(piece);
    }

    /// `{bytes} {hexadecimal}`.
    pub(crate) fn finish(self) -> String {
        let mut text = format!("{} ", self.bytes);
        for byte in self.context.finish().as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

//! The vault's specification, as tests: what must stay true of keys, seals, stores and records.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
mod child;
mod contract;
mod index;
mod key_ring;
mod memory;
mod rotation;
mod seal;
mod sqlite;
mod stolen;
mod support;
mod ticket;
mod vault;

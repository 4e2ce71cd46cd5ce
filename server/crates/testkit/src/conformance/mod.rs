//! The OpenID Foundation's relying-party modules and Okta's scenarios, as far as they apply to the code flow, walked
//! against an application that runs. Self-tested: passing here is not a certification, and says nothing of one.

mod modules;
mod report;
mod runner;

pub use modules::{Module, Requirement, modules, remaining_faults};
pub use report::{Outcome, Report, Row};
pub use runner::{Runner, run};

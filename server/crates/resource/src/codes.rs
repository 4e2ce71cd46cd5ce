//! Stable names for errors: snake case, never localised, safe to show and to count.

/// Gives an error enum `code()`, and `CODES`, the list of all of them.
macro_rules! error_codes {
    ($name:ident { $($pattern:pat => $code:literal),+ $(,)? } $(via { $($wrapped:pat => $inner:expr),+ $(,)? })?) => {
        impl $name {
            /// The codes of this enum's own variants.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// A stable name for what went wrong: snake case, never localised, safe to show and to count.
            pub fn code(&self) -> &'static str {
                match self {
                    $($pattern => $code,)+
                    $($($wrapped => $inner,)+)?
                }
            }
        }
    };
}

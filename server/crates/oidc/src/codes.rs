//! One table an error enum, from variant to stable code, so that the code and its documentation cannot drift apart.

/// Writes `code()` and `CODES` for an error enum. The first block names a code for each variant; the
/// optional second one hands variants that only wrap another error to that error's own code.
macro_rules! error_codes {
    ($name:ident {
        $($pattern:pat => $code:literal,)+
    } $(via { $($wrapped:pat => $inner:expr,)+ })?) => {
        impl $name {
            /// Every code of its own that [`code`](Self::code) may answer.
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

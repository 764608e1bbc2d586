//! Numbers: integers of any size and decimals with CUE's 34 significant digits, one type.

/// A number of the language. `1` and `1.0` are different values that compare equal with `==`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Number {
    /// An integer that fits a machine word.
    Int(i64),
}

//! `math/bits`: the bits of ints of any size, negative ones in two's complement.

use super::arguments::*;
use num_bigint::BigInt;

/// The greatest shift and index of a bit.
const MAX_SHIFT: i64 = 1 << 19;

package! {
    "math/bits", "bits", "The bits of ints.";
    constants {}
    "Lsh" (x: INT, n: INT) -> INT,
        "x shifted left by n bits, at most 524288." => |_, a| {
            Ok(a.bigint(0)? << a.int_in(1, 0, MAX_SHIFT)?)
        },
    "Rsh" (x: INT, n: INT) -> INT,
        "x shifted right by n bits, rounding down." => |_, a| {
            Ok(a.bigint(0)? >> a.int_in(1, 0, i64::MAX)?.min(1 << 40))
        },
    "At" (x: INT, i: INT) -> INT,
        "The bit of x at index i: 0 or 1." => |_, a| {
            Ok(i64::from(a.bigint(0)?.bit(a.int_in(1, 0, i64::from(i32::MAX))? as u64)))
        },
    "Set" (x: INT, i: INT, bit: INT) -> INT,
        "x with the bit at index i, at most 524288, set to 0 or 1." => |_, a| {
            let mut x = a.bigint(0)?;
            x.set_bit(a.int_in(1, 0, MAX_SHIFT)? as u64, a.int_in(2, 0, 1)? == 1);
            Ok(x)
        },
    "And" (a: INT, b: INT) -> INT,
        "The bits that are set in both." => |_, a| Ok(a.bigint(0)? & a.bigint(1)?),
    "Or" (a: INT, b: INT) -> INT,
        "The bits that are set in either." => |_, a| Ok(a.bigint(0)? | a.bigint(1)?),
    "Xor" (a: INT, b: INT) -> INT,
        "The bits that are set in one alone." => |_, a| Ok(a.bigint(0)? ^ a.bigint(1)?),
    "Clear" (a: INT, b: INT) -> INT,
        "The bits of a that are not set in b." => |_, a| {
            let minus_one = BigInt::from(-1);
            Ok(a.bigint(0)? & (a.bigint(1)? ^ minus_one))
        },
    "OnesCount" (x: INT) -> INT,
        "The number of bits set in the absolute value of x." => |_, a| {
            Ok(a.bigint(0)?.magnitude().count_ones() as usize)
        },
    "Len" (x: INT) -> INT,
        "The number of bits that the absolute value of x needs." => |_, a| {
            Ok(a.bigint(0)?.bits() as usize)
        },
}

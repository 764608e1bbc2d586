//! `math`: what takes numbers of any size works on decimals to 34 digits; what is named as 64-bit
//! floating-point functions usually are (`Sin`, `Gamma`, …) is computed in those.

use super::arguments::*;
use super::decimal as dec;
use holos_lang::value::builtin::CallError;
use holos_lang::value::{Data, Number};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

package! {
    "math", "math", "Mathematical functions and constants.";
    constants {
        "MaxExp" = "2147483647",
        "MinExp" = "-2147483648",
        "MaxPrec" = "4294967295",
        "ToNearestEven" = "0",
        "ToNearestAway" = "1",
        "ToZero" = "2",
        "AwayFromZero" = "3",
        "ToNegativeInf" = "4",
        "ToPositiveInf" = "5",
        "Below" = "-1",
        "Exact" = "0",
        "Above" = "1",
        "MaxBase" = "62",
        "E" = "2.71828182845904523536028747135266249775724709369995957496696763",
        "Pi" = "3.14159265358979323846264338327950288419716939937510582097494459",
        "Phi" = "1.61803398874989484820458683436563811772030917980576286213544861",
        "Sqrt2" = "1.41421356237309504880168872420969807856967187537694807317667974",
        "SqrtE" = "1.64872127070012814684865078781416357165377610071014801157507931",
        "SqrtPi" = "1.77245385090551602729816748334114518279754945612238712821380779",
        "SqrtPhi" = "1.27201964951406896425242246173749149171560804184009624861664038",
        "Ln2" = "0.693147180559945309417232121458176568075500134360255254120680009",
        "Log2E" = "1.442695040888963407359924681001892137426645954152985934135449408",
        "Ln10" = "2.3025850929940456840179914546843642076011014886287729760333278",
        "Log10E" = "0.43429448190325182765112891891660508229439700580366656611445378",
    }
    "Jacobi" (x: INT, y: INT) -> INT,
        "The Jacobi symbol (x/y) of an odd y: -1, 0 or 1." => |_, a| jacobi(a.bigint(0)?, a.bigint(1)?),
    "Floor" (x: NUMBER) -> INT,
        "The greatest int that is not greater than x." => |_, a| Ok(rounded(a.number(0)?, Mode::Floor)),
    "Ceil" (x: NUMBER) -> INT,
        "The least int that is not less than x." => |_, a| Ok(rounded(a.number(0)?, Mode::Ceil)),
    "Trunc" (x: NUMBER) -> INT,
        "The int without the fraction of x." => |_, a| Ok(rounded(a.number(0)?, Mode::Trunc)),
    "Round" (x: NUMBER) -> INT,
        "The nearest int; halves go away from zero." => |_, a| Ok(rounded(a.number(0)?, Mode::HalfUp)),
    "RoundToEven" (x: NUMBER) -> INT,
        "The nearest int; halves go to the even one." => |_, a| Ok(rounded(a.number(0)?, Mode::HalfEven)),
    "MultipleOf" (x: NUMBER, y: NUMBER) -> BOOL,
        "Whether x is a multiple of y." => |_, a| {
            Ok(a.number(0)?.div(a.number(1)?).map_err(error)?.is_integral())
        },
    "Abs" (x: NUMBER) -> NUMBER,
        "The absolute value." => |_, a| {
            Ok(decimal(&a.number(0)?.abs().round_to_precision().map_err(error)?))
        },
    "Acosh" (x: NUMBER) -> NUMBER,
        "The inverse hyperbolic cosine." => |_, a| float(libm::acosh(a.f64(0)?)),
    "Asin" (x: NUMBER) -> NUMBER,
        "The arc sine, in radians." => |_, a| float(libm::asin(a.f64(0)?)),
    "Acos" (x: NUMBER) -> NUMBER,
        "The arc cosine, in radians." => |_, a| float(libm::acos(a.f64(0)?)),
    "Asinh" (x: NUMBER) -> NUMBER,
        "The inverse hyperbolic sine." => |_, a| float(libm::asinh(a.f64(0)?)),
    "Atan" (x: NUMBER) -> NUMBER,
        "The arc tangent, in radians." => |_, a| float(libm::atan(a.f64(0)?)),
    "Atan2" (y: NUMBER, x: NUMBER) -> NUMBER,
        "The angle of the point (x, y), in radians." => |_, a| float(libm::atan2(a.f64(0)?, a.f64(1)?)),
    "Atanh" (x: NUMBER) -> NUMBER,
        "The inverse hyperbolic tangent." => |_, a| float(libm::atanh(a.f64(0)?)),
    "Cbrt" (x: NUMBER) -> NUMBER,
        "The cube root, to 34 digits." => |_, a| to_decimal(dec::cbrt(a.number(0)?)),
    "Copysign" (x: NUMBER, y: NUMBER) -> NUMBER,
        "The value of x with the sign of y." => |_, a| {
            let (magnitude, sign) = (a.number(0)?.to_parts(), a.number(1)?.to_parts().0);
            let copied = Number::from_parts(false, sign, magnitude.1, magnitude.2);
            Ok(decimal(&copied))
        },
    "Dim" (x: NUMBER, y: NUMBER) -> NUMBER,
        "The difference x-y, or 0 if it is negative." => |_, a| {
            let difference = a.number(0)?.sub(a.number(1)?).map_err(error)?;
            Ok(decimal(if difference.sign() < 0 { &Number::Int(0) } else { &difference }))
        },
    "Erf" (x: NUMBER) -> NUMBER,
        "The error function." => |_, a| float(libm::erf(a.f64(0)?)),
    "Erfc" (x: NUMBER) -> NUMBER,
        "The complementary error function." => |_, a| float(libm::erfc(a.f64(0)?)),
    "Erfinv" (x: NUMBER) -> NUMBER,
        "The inverse error function." => |_, a| float(inverse_erf(a.f64(0)?)),
    "Erfcinv" (x: NUMBER) -> NUMBER,
        "The inverse of Erfc." => |_, a| float(inverse_erf(1.0 - a.f64(0)?)),
    "Exp" (x: NUMBER) -> NUMBER,
        "e to the power of x, to 34 digits." => |_, a| to_decimal(dec::exp(a.number(0)?)),
    "Exp2" (x: NUMBER) -> NUMBER,
        "2 to the power of x, to 34 digits." => |_, a| {
            to_decimal(dec::pow(&Number::from_i64(2), a.number(0)?))
        },
    "Expm1" (x: NUMBER) -> NUMBER,
        "e to the power of x, less 1; exact for small x." => |_, a| float(libm::expm1(a.f64(0)?)),
    "Gamma" (x: NUMBER) -> NUMBER,
        "The Gamma function." => |_, a| {
            let x = a.f64(0)?;
            let pole = x == 0.0 || (x < 0.0 && x.fract() == 0.0);
            if pole { float(f64::NAN) } else { float(libm::tgamma(x)) }
        },
    "Hypot" (p: NUMBER, q: NUMBER) -> NUMBER,
        "The length of the vector (p, q)." => |_, a| float(libm::hypot(a.f64(0)?, a.f64(1)?)),
    "J0" (x: NUMBER) -> NUMBER,
        "The Bessel function of the first kind, of order 0." => |_, a| float(libm::j0(a.f64(0)?)),
    "Y0" (x: NUMBER) -> NUMBER,
        "The Bessel function of the second kind, of order 0." => |_, a| float(libm::y0(a.f64(0)?)),
    "J1" (x: NUMBER) -> NUMBER,
        "The Bessel function of the first kind, of order 1." => |_, a| float(libm::j1(a.f64(0)?)),
    "Y1" (x: NUMBER) -> NUMBER,
        "The Bessel function of the second kind, of order 1." => |_, a| float(libm::y1(a.f64(0)?)),
    "Jn" (n: INT, x: NUMBER) -> NUMBER,
        "The Bessel function of the first kind, of order n, at most 10000." => |_, a| {
            float(libm::jn(a.int_in(0, -10_000, 10_000)? as i32, a.f64(1)?))
        },
    "Yn" (n: INT, x: NUMBER) -> NUMBER,
        "The Bessel function of the second kind, of order n, at most 10000." => |_, a| {
            float(libm::yn(a.int_in(0, -10_000, 10_000)? as i32, a.f64(1)?))
        },
    "Ldexp" (frac: NUMBER, exp: INT) -> NUMBER,
        "frac times 2 to the power of exp." => |_, a| {
            float(libm::ldexp(a.f64(0)?, a.int(1)?.clamp(-10_000, 10_000) as i32))
        },
    "Log" (x: NUMBER) -> NUMBER,
        "The natural logarithm, to 34 digits." => |_, a| to_decimal(dec::ln(a.number(0)?)),
    "Log10" (x: NUMBER) -> NUMBER,
        "The decimal logarithm, to 34 digits." => |_, a| to_decimal(dec::log10(a.number(0)?)),
    "Log2" (x: NUMBER) -> NUMBER,
        "The binary logarithm, to 34 digits." => |_, a| to_decimal(dec::log2(a.number(0)?)),
    "Log1p" (x: NUMBER) -> NUMBER,
        "The natural logarithm of 1+x; exact for small x." => |_, a| float(libm::log1p(a.f64(0)?)),
    "Logb" (x: NUMBER) -> NUMBER,
        "The binary exponent of x." => |_, a| {
            let x = a.f64(0)?;
            float(if x == 0.0 { f64::NEG_INFINITY } else { f64::from(libm::ilogb(x)) })
        },
    "Ilogb" (x: NUMBER) -> INT,
        "The binary exponent of x, as an int." => |_, a| {
            let x = a.f64(0)?;
            Ok(if x == 0.0 { i64::from(i32::MIN) } else { i64::from(libm::ilogb(x)) })
        },
    "Mod" (x: NUMBER, y: NUMBER) -> NUMBER,
        "The remainder of x/y, with the sign of x." => |_, a| float(libm::fmod(a.f64(0)?, a.f64(1)?)),
    "Pow" (x: NUMBER, y: NUMBER) -> NUMBER,
        "x to the power of y, to 34 digits." => |_, a| {
            to_decimal(dec::pow(a.number(0)?, a.number(1)?))
        },
    "Pow10" (n: INT) -> NUMBER,
        "10 to the power of n, from -100000 to 100000." => |_, a| {
            let power = a.int_in(0, -100_000, 100_000)? as i32;
            Ok(decimal(&Number::from_parts(false, false, 1u8.into(), power)))
        },
    "Remainder" (x: NUMBER, y: NUMBER) -> NUMBER,
        "The remainder of x/y rounded to the nearest int, halves to the even one." => |_, a| {
            float(libm::remainder(a.f64(0)?, a.f64(1)?))
        },
    "Signbit" (x: NUMBER) -> BOOL,
        "Whether x is negative, or negative zero." => |_, a| Ok(a.number(0)?.to_parts().0),
    "Cos" (x: NUMBER) -> NUMBER,
        "The cosine of x, in radians." => |_, a| float(libm::cos(a.f64(0)?)),
    "Sin" (x: NUMBER) -> NUMBER,
        "The sine of x, in radians." => |_, a| float(libm::sin(a.f64(0)?)),
    "Sinh" (x: NUMBER) -> NUMBER,
        "The hyperbolic sine." => |_, a| float(libm::sinh(a.f64(0)?)),
    "Cosh" (x: NUMBER) -> NUMBER,
        "The hyperbolic cosine." => |_, a| float(libm::cosh(a.f64(0)?)),
    "Sqrt" (x: NUMBER) -> NUMBER,
        "The square root." => |_, a| float(a.f64(0)?.sqrt()),
    "Tan" (x: NUMBER) -> NUMBER,
        "The tangent of x, in radians." => |_, a| float(libm::tan(a.f64(0)?)),
    "Tanh" (x: NUMBER) -> NUMBER,
        "The hyperbolic tangent." => |_, a| float(libm::tanh(a.f64(0)?)),
}

fn to_decimal(result: std::result::Result<Number, String>) -> Result<Data> {
    result
        .map(|number| decimal(&number))
        .map_err(CallError::new)
}

#[derive(Clone, Copy)]
enum Mode {
    Floor,
    Ceil,
    Trunc,
    HalfUp,
    HalfEven,
}

fn rounded(number: &Number, mode: Mode) -> BigInt {
    if let Some(whole) = number.to_bigint() {
        return whole;
    }
    let (negative, coefficient, exponent) = number.to_parts();
    let places = exponent.unsigned_abs();
    let signed: BigInt = BigInt::from(coefficient.clone()) * if negative { -1 } else { 1 };
    if coefficient.to_string().len() < places as usize {
        // Less than a tenth: the power of ten need not be made.
        return match mode {
            Mode::Floor if negative => -BigInt::one(),
            Mode::Ceil if !negative => BigInt::one(),
            _ => BigInt::zero(),
        };
    }
    let unit = BigInt::from(10u8).pow(places);
    let (floor, rest) = signed.div_mod_floor(&unit);
    let half = (rest * 2u8).cmp(&unit);
    let up = match mode {
        Mode::Floor => false,
        Mode::Ceil => true,
        Mode::Trunc => negative,
        Mode::HalfUp => half.is_gt() || (half.is_eq() && !negative),
        Mode::HalfEven => half.is_gt() || (half.is_eq() && floor.is_odd()),
    };
    if up { floor + 1 } else { floor }
}

fn jacobi(mut x: BigInt, mut y: BigInt) -> Result<i64> {
    if y.is_even() {
        return Err(error(format!("y must be odd, not {y}")).argument(1));
    }
    let mut sign = 1;
    if y.is_negative() {
        if x.is_negative() {
            sign = -1;
        }
        y = -y;
    }
    let last = |n: &BigInt, bits: u8| {
        (n & BigInt::from(bits))
            .iter_u64_digits()
            .next()
            .unwrap_or(0)
    };
    loop {
        if y.is_one() {
            return Ok(sign);
        }
        x = x.mod_floor(&y);
        if x.is_zero() {
            return Ok(0);
        }
        let twos = x.trailing_zeros().unwrap_or(0);
        if twos % 2 == 1 && matches!(last(&y, 7), 3 | 5) {
            sign = -sign;
        }
        let odd = x >> twos;
        if last(&y, 3) == 3 && last(&odd, 3) == 3 {
            sign = -sign;
        }
        (x, y) = (y, odd);
    }
}

/// The inverse error function: a first guess (Giles 2012), mended by steps of Halley's method; near one
/// the guess is so far off that seven are needed.
fn inverse_erf(signed: f64) -> f64 {
    let x = signed.abs();
    if x > 1.0 || x.is_nan() {
        return f64::NAN;
    } else if x == 1.0 {
        return f64::INFINITY.copysign(signed);
    }
    let w = -((1.0 - x) * (1.0 + x)).ln();
    let polynomial = |start: f64, w: f64, rest: &[f64]| rest.iter().fold(start, |p, c| c + p * w);
    let mut y = x * if w < 5.0 {
        polynomial(
            2.81022636e-08,
            w - 2.5,
            &[
                3.43273939e-07,
                -3.5233877e-06,
                -4.39150654e-06,
                0.00021858087,
                -0.00125372503,
                -0.00417768164,
                0.246640727,
                1.50140941,
            ],
        )
    } else {
        polynomial(
            -0.000200214257,
            w.sqrt() - 3.0,
            &[
                0.000100950558,
                0.00134934322,
                -0.00367342844,
                0.00573950773,
                -0.0076224613,
                0.00943887047,
                1.00167406,
                2.83297682,
            ],
        )
    };
    for _ in 0..7 {
        // Near one, the complement keeps the digits that erf itself would lose.
        let miss = match x > 0.5 {
            true => (1.0 - x) - libm::erfc(y),
            false => libm::erf(y) - x,
        };
        let step = miss / (std::f64::consts::FRAC_2_SQRT_PI * (-y * y).exp());
        y -= step / (1.0 + y * step);
    }
    y.copysign(signed)
}

//! What the packages' tables are written with: [`package!`], typed access to arguments, results.

use holos_lang::value::builtin::{Argument, CallError, Context, Kind, Return, ValueRef};
use holos_lang::value::{Data, Number};
use num_bigint::BigInt;
use std::sync::Arc;

pub(super) type Result<T> = std::result::Result<T, CallError>;

/// The greatest count of `strings.Repeat` and `list.Repeat`, as CUE has it.
pub(super) const MAX_REPEAT: i64 = 1_000_000;
/// The greatest length in bytes of a text a function makes.
pub(super) const MAX_RESULT: usize = 1 << 28;
/// The longest list a function makes of a count.
pub(super) const MAX_ELEMENTS: usize = 1 << 20;

pub(super) const BOOL: Kind = Kind::BOOL;
pub(super) const INT: Kind = Kind::INT;
pub(super) const NUMBER: Kind = Kind::NUMBER;
pub(super) const STRING: Kind = Kind::STRING;
/// Bytes or a string, whose bytes are meant.
pub(super) const TEXT: Kind = Kind::STRING.or(Kind::BYTES);
pub(super) const LIST: Kind = Kind::LIST;
pub(super) const STRUCT: Kind = Kind::STRUCT;
pub(super) const ANY: Kind = Kind::TOP;

/// A static [`Package`](holos_lang::value::builtin::Package).
///
/// A function is `"Name" (parameter: KIND, …) -> KIND, "doc" => closure,` where the closure takes the context and
/// [`Arguments`] and returns a `Result` of anything that is [`IntoReturn`]. A parameter is passed as
/// data; as a value of the lattice if written `value parameter: KIND`; and may have a default, as the
/// source text of an expression: `os: STRING = "\"unix\""`. `xs: LIST of NUMBER` refuses other elements, those
/// that are not concrete yet included.
macro_rules! package {
    (
        $path:literal, $name:literal, $doc:literal;
        constants { $($constant:literal = $value:expr),* $(,)? }
        $($function:literal ( $($parameters:tt)* ) -> $result:expr, $line:literal => $body:expr,)*
    ) => {
        pub(in crate::builtin) static PACKAGE: holos_lang::value::builtin::Package =
            holos_lang::value::builtin::Package {
                path: $path,
                name: $name,
                doc: $doc,
                functions: &[$(holos_lang::value::builtin::Function {
                    name: $function,
                    parameters: parameters!([] $($parameters)*),
                    result: $result,
                    doc: $line,
                    call: |context, arguments| {
                        fn run<'a, T: $crate::builtin::arguments::IntoReturn>(
                            body: impl FnOnce(
                                &mut dyn holos_lang::value::builtin::Context,
                                $crate::builtin::arguments::Arguments<'a>,
                            ) -> $crate::builtin::arguments::Result<T>,
                            context: &mut dyn holos_lang::value::builtin::Context,
                            arguments: &'a [holos_lang::value::builtin::Argument],
                        ) -> $crate::builtin::arguments::Result<holos_lang::value::builtin::Return> {
                            body(context, $crate::builtin::arguments::Arguments(arguments))
                                .map($crate::builtin::arguments::IntoReturn::into_return)
                        }
                        run($body, context, arguments)
                    },
                }),*],
                constants: &[$(($constant, $value)),*],
            };
    };
}

/// The parameters of one function, for [`package!`].
macro_rules! parameters {
    (@elements) => { holos_lang::value::builtin::Kind::TOP };
    (@elements $kind:ident) => { $kind };
    ([$($done:expr),*]) => { &[$($done),*] };
    ([$($done:expr),*] value $name:ident : $kind:expr $(, $($rest:tt)*)?) => {
        parameters!([$($done,)* holos_lang::value::builtin::Parameter {
            name: stringify!($name),
            kind: $kind,
            mode: holos_lang::value::builtin::Mode::Value,
            elements: holos_lang::value::builtin::Kind::TOP,
            default: None,
        }] $($($rest)*)?)
    };
    ([$($done:expr),*] $name:ident : $kind:ident $(of $elements:ident)? = $default:literal $(, $($rest:tt)*)?) => {
        parameters!([$($done,)* holos_lang::value::builtin::Parameter {
            name: stringify!($name),
            kind: $kind,
            mode: holos_lang::value::builtin::Mode::Data,
            elements: parameters!(@elements $($elements)?),
            default: Some($default),
        }] $($($rest)*)?)
    };
    ([$($done:expr),*] $name:ident : $kind:ident $(of $elements:ident)? $(, $($rest:tt)*)?) => {
        parameters!([$($done,)* holos_lang::value::builtin::Parameter {
            name: stringify!($name),
            kind: $kind,
            mode: holos_lang::value::builtin::Mode::Data,
            elements: parameters!(@elements $($elements)?),
            default: None,
        }] $($($rest)*)?)
    };
}

pub(super) use {package, parameters};

/// An error without a place; the caller knows where the call stands.
pub(super) fn error(message: impl Into<String>) -> CallError {
    CallError::new(message)
}

/// The arguments of one call. The accessors give an error that names the argument.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a>(pub(super) &'a [Argument]);

impl<'a> Arguments<'a> {
    pub(super) fn data(&self, index: usize) -> Result<&'a Data> {
        match self.0.get(index) {
            Some(Argument::Data(data)) => Ok(data),
            _ => Err(error("missing argument").argument(index)),
        }
    }

    pub(super) fn value(&self, index: usize) -> Result<ValueRef> {
        match self.0.get(index) {
            Some(Argument::Value(value)) => Ok(*value),
            _ => Err(error("missing argument").argument(index)),
        }
    }

    fn wrong(&self, index: usize, wanted: &str) -> CallError {
        error(format!("argument {} must be {wanted}", index + 1)).argument(index)
    }

    pub(super) fn str(&self, index: usize) -> Result<&'a str> {
        match self.data(index)? {
            Data::String(text) => Ok(text),
            _ => Err(self.wrong(index, "a string")),
        }
    }

    /// Bytes, or the bytes of a string.
    pub(super) fn bytes(&self, index: usize) -> Result<&'a [u8]> {
        match self.data(index)? {
            Data::String(text) => Ok(text.as_bytes()),
            Data::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong(index, "bytes or a string")),
        }
    }

    pub(super) fn bool(&self, index: usize) -> Result<bool> {
        match self.data(index)? {
            Data::Bool(value) => Ok(*value),
            _ => Err(self.wrong(index, "a bool")),
        }
    }

    pub(super) fn number(&self, index: usize) -> Result<&'a Number> {
        match self.data(index)? {
            Data::Number(number) => Ok(number),
            _ => Err(self.wrong(index, "a number")),
        }
    }

    pub(super) fn f64(&self, index: usize) -> Result<f64> {
        let value = self.number(index)?.to_f64();
        if value.is_finite() {
            Ok(value)
        } else {
            Err(error("number is beyond the range of a 64-bit float").argument(index))
        }
    }

    pub(super) fn bigint(&self, index: usize) -> Result<BigInt> {
        self.number(index)?
            .to_bigint()
            .ok_or_else(|| self.wrong(index, "an int"))
    }

    pub(super) fn int(&self, index: usize) -> Result<i64> {
        let number = self.number(index)?;
        number.as_i64().ok_or_else(|| {
            error(format!(
                "{number} does not fit 64 bits in argument {}",
                index + 1
            ))
            .argument(index)
        })
    }

    /// An int from `low` to `high`.
    pub(super) fn int_in(&self, index: usize, low: i64, high: i64) -> Result<i64> {
        let value = self.int(index)?;
        if (low..=high).contains(&value) {
            return Ok(value);
        }
        let name = format!(
            "argument {} must be from {low} to {high}, not {value}",
            index + 1
        );
        Err(error(name).argument(index))
    }

    pub(super) fn list(&self, index: usize) -> Result<&'a [Data]> {
        match self.data(index)? {
            Data::List(list) => Ok(list),
            _ => Err(self.wrong(index, "a list")),
        }
    }

    /// A list of strings.
    pub(super) fn strings(&self, index: usize) -> Result<Vec<&'a str>> {
        let element = |(at, data): (usize, &'a Data)| match data {
            Data::String(text) => Ok(&**text),
            other => Err(error(format!(
                "element {at} of argument {} is a {}, not a string",
                index + 1,
                kind_of(other)
            ))
            .argument(index)),
        };
        self.list(index)?.iter().enumerate().map(element).collect()
    }

    /// A list of numbers.
    pub(super) fn numbers(&self, index: usize) -> Result<Vec<&'a Number>> {
        let element = |(at, data): (usize, &'a Data)| match data {
            Data::Number(number) => Ok(number),
            other => Err(error(format!(
                "element {at} of argument {} is a {}, not a number",
                index + 1,
                kind_of(other)
            ))
            .argument(index)),
        };
        self.list(index)?.iter().enumerate().map(element).collect()
    }

    /// The elements of a list given as a value.
    pub(super) fn elements(
        &self,
        context: &mut dyn Context,
        index: usize,
    ) -> Result<Vec<ValueRef>> {
        context
            .elements(self.value(index)?)
            .map_err(|error| error.argument(index))
    }
}

/// The name of a value's kind.
pub(super) fn kind_of(data: &Data) -> &'static str {
    match data {
        Data::Null => "null",
        Data::Bool(_) => "bool",
        Data::Number(number) if number.is_int_kind() => "int",
        Data::Number(_) => "float",
        Data::String(_) => "string",
        Data::Bytes(_) => "bytes",
        Data::List(_) => "list",
        Data::Struct(_) => "struct",
    }
}

/// Refuses a result too long to make.
pub(super) fn limited(length: usize) -> Result<usize> {
    if length > MAX_RESULT {
        return Err(error(format!(
            "the result would exceed the limit of {MAX_RESULT}"
        )));
    }
    Ok(length)
}

pub(super) fn string(text: impl Into<Arc<str>>) -> Data {
    Data::String(text.into())
}

pub(super) fn bytes(bytes: impl Into<Arc<[u8]>>) -> Data {
    Data::Bytes(bytes.into())
}

/// A decimal result as CUE has it: an int where there is no fraction.
pub(super) fn decimal(number: &Number) -> Data {
    Data::Number(number.to_int().unwrap_or_else(|| number.clone()))
}

/// A 64-bit float as a result, always of kind float.
///
/// # Errors
/// If it is infinite or no number: the language has neither.
pub(super) fn float(value: f64) -> Result<Data> {
    match Number::from_f64(value) {
        Some(number) => Ok(Data::Number(number)),
        None if value.is_nan() => Err(error("the result is not a number")),
        None => Err(error("the result is infinite")),
    }
}

/// What a function's closure may return.
pub(super) trait IntoReturn {
    fn into_return(self) -> Return;
}

impl IntoReturn for Return {
    fn into_return(self) -> Return {
        self
    }
}

impl IntoReturn for ValueRef {
    fn into_return(self) -> Return {
        Return::Value(self)
    }
}

impl IntoReturn for Vec<ValueRef> {
    fn into_return(self) -> Return {
        Return::Values(self)
    }
}

impl<T: IntoData> IntoReturn for T {
    fn into_return(self) -> Return {
        Return::Data(self.into_data())
    }
}

/// What is data by itself.
pub(super) trait IntoData {
    fn into_data(self) -> Data;
}

impl IntoData for Data {
    fn into_data(self) -> Data {
        self
    }
}

impl IntoData for bool {
    fn into_data(self) -> Data {
        Data::Bool(self)
    }
}

impl IntoData for i64 {
    fn into_data(self) -> Data {
        Data::Number(self.into())
    }
}

impl IntoData for usize {
    fn into_data(self) -> Data {
        Data::Number(self.into())
    }
}

impl IntoData for BigInt {
    fn into_data(self) -> Data {
        Data::Number(self.into())
    }
}

impl IntoData for String {
    fn into_data(self) -> Data {
        string(self)
    }
}

impl IntoData for &str {
    fn into_data(self) -> Data {
        string(self)
    }
}

impl<T: IntoData> IntoData for Vec<T> {
    fn into_data(self) -> Data {
        Data::List(self.into_iter().map(IntoData::into_data).collect())
    }
}

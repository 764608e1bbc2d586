//! The builtin packages: `strings`, `list`, `encoding/json` and their kin, one file each.
//!
//! [`Standard`] is the table of all of them. The checker's knowledge of calls, the editor's completion and
//! hover, `holosc help` and the reference chapter of the specification all come from it. Functions behave
//! as CUE's of the same name; where they differ, `spec/builtins.md` says so and why.
//!
//! **Invariant:** no argument makes a function panic or run without bound. What could is limited, and the
//! limit is an error at the call.

mod arguments;
mod bits;
mod codec;
mod crypto;
mod data;
mod decimal;
mod html;
mod kubernetes;
mod list;
mod math;
mod net;
mod openapi;
mod path;
mod regexp;
mod strconv;
mod strings;
mod structs;
mod tabwriter;
mod template;
pub mod time;
mod uuid;

use holos_lang::value::builtin::{Builtins, Package};

/// All builtin packages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

/// Sorted by path.
static PACKAGES: &[&Package] = &[
    &crypto::ed25519::PACKAGE,
    &crypto::hmac_package::PACKAGE,
    &crypto::md5_package::PACKAGE,
    &crypto::sha1_package::PACKAGE,
    &crypto::sha256::PACKAGE,
    &crypto::sha512::PACKAGE,
    &codec::base64_package::PACKAGE,
    &codec::csv_package::PACKAGE,
    &codec::hex::PACKAGE,
    &data::json::PACKAGE,
    &openapi::PACKAGE,
    &data::toml::PACKAGE,
    &data::yaml::PACKAGE,
    &html::PACKAGE,
    &kubernetes::PACKAGE,
    &list::PACKAGE,
    &math::PACKAGE,
    &bits::PACKAGE,
    &net::PACKAGE,
    &path::PACKAGE,
    &regexp::PACKAGE,
    &strconv::PACKAGE,
    &strings::PACKAGE,
    &structs::PACKAGE,
    &tabwriter::PACKAGE,
    &template::PACKAGE,
    &time::PACKAGE,
    &uuid::PACKAGE,
];

impl Builtins for Standard {
    fn package(&self, path: &str) -> Option<&'static Package> {
        PACKAGES
            .iter()
            .copied()
            .find(|package| package.path == path)
    }

    fn paths(&self) -> Vec<&'static str> {
        PACKAGES.iter().map(|package| package.path).collect()
    }
}

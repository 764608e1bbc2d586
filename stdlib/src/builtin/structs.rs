//! `struct`: how many fields a struct has.

use super::arguments::*;
use holos_lang::value::builtin::{CallError, Context, ValueRef};

package! {
    "struct", "struct", "Validators of structs.";
    constants {}
    "MinFields" (value object: STRUCT, n: INT) -> BOOL,
        "Whether the struct has at least n regular fields." => |context, a| {
            let (count, least) = (count(context, a.value(0)?)?, a.int(1)?);
            // Counting what is declared makes fields of what nobody set, so it is for when nothing else tells.
            if count < least
                && (context.is_open(a.value(0)?)
                    || count + context.declared(a.value(0)?) as i64 >= least)
            {
                return Err(CallError::unmet(format!(
                    "the struct has {count} fields so far, and needs {least}"
                )));
            }
            Ok(count >= least)
        },
    "MaxFields" (value object: STRUCT, n: INT) -> BOOL,
        "Whether the struct has at most n regular fields." => |context, a| {
            Ok(count(context, a.value(0)?)? <= a.int(1)?)
        },
}

fn count(context: &mut dyn Context, value: ValueRef) -> Result<i64> {
    Ok(context.fields(value)?.len() as i64)
}

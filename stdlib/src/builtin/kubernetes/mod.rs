//! `kubernetes`: what Kubernetes reads in strings, which CUE has no package for. Every function that
//! answers with a boolean is a validator as well: `replicas: cpu: kubernetes.Quantity`.

mod cron;
mod image;
mod quantity;
mod selector;
mod version;

use super::arguments::*;
use super::net::{Block, shortened};
use super::time::parse_duration;
use holos_lang::value::Data;
use quantity::Quantity;

package! {
    "kubernetes", "kubernetes", "Strings as Kubernetes reads them: names, quantities, images, schedules, versions.";
    constants {}
    "Quantity" (s: STRING) -> BOOL,
        "Whether s is a quantity such as 500m, 1.5Gi or 2e3." => |_, a| quantity(&a, 0).map(|_| true),
    "CompareQuantity" (a: STRING, b: STRING) -> INT,
        "-1, 0 or 1: the order of two quantities." => |_, a| {
            Ok(quantity(&a, 0)?.nanos.cmp(&quantity(&a, 1)?.nanos) as i64)
        },
    "AddQuantity" (a: STRING, b: STRING) -> STRING,
        "The sum of two quantities, in the notation of the first." => |_, a| {
            let (first, second) = (quantity(&a, 0)?, quantity(&a, 1)?);
            Ok(Quantity { nanos: first.nanos + second.nanos, binary: first.binary }.text())
        },
    "QuantityValue" (s: STRING) -> NUMBER,
        "The number that a quantity is." => |_, a| Ok(decimal(&quantity(&a, 0)?.number())),
    "DNS1123Label" (s: STRING) -> BOOL,
        "Whether s is a DNS label: at most 63 of a-z, 0-9 and -, no - at the ends." => |_, a| {
            check(&a, is_label, "a DNS label: at most 63 of a-z, 0-9 and -, no - at the ends")
        },
    "DNS1035Label" (s: STRING) -> BOOL,
        "Whether s is a DNS label that begins with a letter, as a Service's name must be." => |_, a| {
            let valid = |s: &str| is_label(s) && s.starts_with(|c: char| c.is_ascii_lowercase());
            check(&a, valid, "a DNS label that begins with a letter")
        },
    "DNS1123Subdomain" (s: STRING) -> BOOL,
        "Whether s is a DNS name: labels joined by points, at most 253 in all." => |_, a| {
            check(&a, is_subdomain, "a DNS name: at most 253 of a-z, 0-9, - and .")
        },
    "LabelValue" (s: STRING) -> BOOL,
        "Whether s can be the value of a label: at most 63 of A-Z, a-z, 0-9, -, _ and ., or empty." => |_, a| {
            check(&a, is_label_value, "the value of a label: at most 63 of A-Z, a-z, 0-9, -, _ and .")
        },
    "QualifiedName" (s: STRING) -> BOOL,
        "Whether s is the key of a label or annotation: [DNS name/]name." => |_, a| {
            check(&a, is_qualified_name, "a qualified name: [DNS name/]name")
        },
    "LabelSelector" (s: STRING) -> BOOL,
        "Whether s is a selector such as app=web,tier in (a, b),!old." => |_, a| {
            selector::parse(a.str(0)?).map(|_| true).map_err(|e| error(e).argument(0))
        },
    "MatchesSelector" (labels: STRUCT, selector: STRING) -> BOOL,
        "Whether a selector takes an object with the labels." => |_, a| {
            let selector = selector::parse(a.str(1)?).map_err(|e| error(e).argument(1))?;
            let Data::Struct(labels) = a.data(0)? else {
                return Err(error("labels must be a struct").argument(0));
            };
            Ok(selector.iter().all(|requirement| requirement.holds(labels)))
        },
    "Image" (s: STRING) -> BOOL,
        "Whether s is the reference of a container image: [registry/]repository[:tag][@digest]." => |_, a| {
            image::parse(a.str(0)?).map(|_| true).map_err(|e| error(e).argument(0))
        },
    "ParseImage" (s: STRING) -> STRUCT,
        "The registry, repository, tag and digest of an image; docker.io and library/ are filled in, tag and digest are there if given." => |_, a| {
            let image = image::parse(a.str(0)?).map_err(|e| error(e).argument(0))?;
            let mut fields = vec![
                ("registry".into(), string(image.registry)),
                ("repository".into(), string(image.repository)),
            ];
            fields.extend(image.tag.map(|tag| ("tag".into(), string(tag))));
            fields.extend(image.digest.map(|digest| ("digest".into(), string(digest))));
            Ok(Data::Struct(fields.into()))
        },
    "Cron" (s: STRING) -> BOOL,
        "Whether s is the schedule of a CronJob: five fields, or @daily and its like." => |_, a| {
            cron::check(a.str(0)?).map(|()| true).map_err(|e| error(e).argument(0))
        },
    "OverlappingCIDR" (a: STRING, b: STRING) -> BOOL,
        "Whether two blocks of IP addresses have an address in common." => |_, a| {
            Ok(block(&a, 0, a.str(0)?)?.overlaps(&block(&a, 1, a.str(1)?)?))
        },
    "DisjointCIDRs" (blocks: LIST of STRING) -> BOOL,
        "Whether no two blocks of IP addresses in a list of at most 4096 have an address in common." => |_, a| {
            let texts = a.strings(0)?;
            if texts.len() > 4096 {
                return Err(error("the list has more than 4096 blocks").argument(0));
            }
            let blocks: Vec<Block> =
                texts.iter().map(|text| block(&a, 0, text)).collect::<Result<_>>()?;
            for (at, first) in blocks.iter().enumerate() {
                if let Some(other) = blocks[at + 1..].iter().position(|other| first.overlaps(other)) {
                    let (one, two) = (texts[at], texts[at + 1 + other]);
                    return Err(error(format!("{one} and {two} overlap")).argument(0));
                }
            }
            Ok(true)
        },
    "Version" (s: STRING) -> BOOL,
        "Whether s is a semantic version, v in front allowed." => |_, a| {
            version(&a, 0).map(|_| true)
        },
    "CompareVersion" (a: STRING, b: STRING) -> INT,
        "-1, 0 or 1: the precedence of two semantic versions." => |_, a| {
            Ok(version(&a, 0)?.cmp(&version(&a, 1)?) as i64)
        },
    "SemVer" (version: STRING, range: STRING) -> BOOL,
        "Whether a version lies in a range such as >=1.30 <1.37, ^1.2, ~1.2.3, 1.x or one || another; one with a pre-release does only if the range names one." => |_, a| {
            let range = version::Range::parse(a.str(1)?).map_err(|e| error(e).argument(1))?;
            Ok(range.contains(&version(&a, 0)?))
        },
    "Duration" (s: STRING) -> BOOL,
        "Whether s is a duration such as 1h30m, as metav1.Duration reads it." => |_, a| {
            check(&a, |s| parse_duration(s).is_some(), "a duration such as 1h30m")
        },
    "PortName" (s: STRING) -> BOOL,
        "Whether s can name a port: at most 15 of a-z, 0-9 and -, with a letter, no - at the ends or twice." => |_, a| {
            let valid = |s: &str| {
                let letter = s.contains(|c: char| c.is_ascii_lowercase());
                s.len() <= 15 && is_label(s) && letter && !s.contains("--")
            };
            check(&a, valid, "the name of a port: at most 15 of a-z, 0-9 and -, with a letter")
        },
    "EnvName" (s: STRING) -> BOOL,
        "Whether s can name an environment variable: A-Z, a-z, 0-9, _, - and ., no digit in front." => |_, a| {
            let valid = |s: &str| {
                let known = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
                let digit_first = s.starts_with(|c: char| c.is_ascii_digit());
                let dots = s == "." || s.starts_with("..");
                !s.is_empty() && s.chars().all(known) && !digit_first && !dots
            };
            check(&a, valid, "the name of an environment variable")
        },
}

/// `true`, or an error that says what the first argument should have been.
fn check(a: &Arguments<'_>, valid: impl FnOnce(&str) -> bool, what: &str) -> Result<bool> {
    let text = a.str(0)?;
    match valid(text) {
        true => Ok(true),
        false => Err(error(format!("{:?} is not {what}", shortened(text))).argument(0)),
    }
}

fn quantity(a: &Arguments<'_>, index: usize) -> Result<Quantity> {
    Quantity::parse(a.str(index)?).map_err(|problem| error(problem).argument(index))
}

fn version(a: &Arguments<'_>, index: usize) -> Result<version::Version> {
    let text = a.str(index)?;
    version::Version::parse(text).ok_or_else(|| {
        error(format!("{:?} is not a semantic version", shortened(text))).argument(index)
    })
}

fn block(_: &Arguments<'_>, index: usize, text: &str) -> Result<Block> {
    Block::parse(text).ok_or_else(|| {
        error(format!(
            "{:?} is not a block of IP addresses",
            shortened(text)
        ))
        .argument(index)
    })
}

fn is_label(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(known)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    // Unlike a label by itself, one of a subdomain has no limit of its own.
    let part = |part: &str| {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !part.is_empty()
            && part.bytes().all(known)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

fn is_name_part(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let ends = |c: char| c.is_ascii_alphanumeric();
    (1..=63).contains(&text.len())
        && text.bytes().all(known)
        && text.starts_with(ends)
        && text.ends_with(ends)
}

fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_name_part(text)
}

fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name_part(name),
        None => is_name_part(text),
    }
}

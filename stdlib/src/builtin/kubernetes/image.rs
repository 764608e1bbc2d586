//! References of container images, as the distribution specification writes them.

use super::shortened;

pub(super) struct Image {
    pub(super) registry: String,
    pub(super) repository: String,
    pub(super) tag: Option<String>,
    pub(super) digest: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<Image, String> {
    let wrong = |what: &str| format!("{:?} is not an image reference: {what}", shortened(text));
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(wrong(
            "its digest must be like sha256: and 64 hexadecimal digits",
        ));
    }
    // A colon behind the last slash is that of the tag; one before it is that of a port.
    let name_start = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[name_start..].split_once(':') {
        Some((last, tag)) => (&rest[..name_start + last.len()], Some(tag)),
        None => (rest, None),
    };
    let tag_char = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if let Some(tag) = tag
        && (!(1..=128).contains(&tag.len())
            || !tag.chars().all(tag_char)
            || tag.starts_with(['.', '-']))
    {
        return Err(wrong(
            "its tag must be at most 128 of A-Z, a-z, 0-9, _, . and -",
        ));
    }
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => {
            (Some(first), path)
        }
        _ => (None, name),
    };
    if registry.is_some_and(|registry| !is_registry(registry)) {
        return Err(wrong("its registry must be a host with an optional port"));
    }
    if name.len() > 255 || !path.split('/').all(is_component) {
        return Err(wrong(
            "its repository must be parts of a-z, 0-9, and ., _, __ or - between them",
        ));
    }
    let registry = registry.unwrap_or("docker.io").to_owned();
    let official = registry == "docker.io" && !path.contains('/');
    let repository = if official {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    Ok(Image {
        registry,
        repository,
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    })
}

fn is_registry(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "0"));
    let part = |part: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !part.is_empty()
            && part.bytes().all(known)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    host.split('.').all(part) && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

/// Runs of letters and digits, between them one of `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = text.split(alphanumeric).filter(|part| !part.is_empty());
    let known = |part: &str| [".", "_", "__"].contains(&part) || part.chars().all(|c| c == '-');
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && separators.into_iter().all(known)
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return false;
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length
        && hex
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

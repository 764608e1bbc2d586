//! `net`: IP addresses and blocks, host names and URLs as text; nothing is looked up.

use super::arguments::*;
use holos_lang::value::Data;
use num_bigint::{BigInt, BigUint, Sign};
use std::net::{Ipv4Addr, Ipv6Addr};

package! {
    "net", "net", "IP addresses, host names and URLs. An address is a string, bytes or a list of 4 or 16 ints.";
    constants { "IPv4len" = "4", "IPv6len" = "16" }
    "SplitHostPort" (s: STRING) -> LIST,
        "Host and port of host:port or [host]:port." => |_, a| {
            let (host, port) = split_host_port(a.str(0)?).map_err(|e| error(e).argument(0))?;
            Ok(vec![host, port])
        },
    "JoinHostPort" (host: ANY, port: ANY) -> STRING,
        "host:port, the host in brackets if it has colons." => |_, a| {
            let host = match a.data(0)? {
                Data::List(_) => address(&a, 0)?.text(),
                _ => String::from_utf8_lossy(a.bytes(0)?).into_owned(),
            };
            let port = match a.data(1)? {
                Data::Number(port) if port.is_int_kind() => port.to_json(),
                _ => String::from_utf8_lossy(a.bytes(1)?).into_owned(),
            };
            Ok(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
        },
    "FQDN" (s: STRING) -> BOOL,
        "Whether s is a valid domain name." => |_, a| Ok(is_domain(a.str(0)?)),
    "ParseIP" (s: STRING) -> LIST,
        "The bytes of an address, 4 or 16." => |_, a| Ok(ints(&address(&a, 0)?.bytes)),
    "IPv4" (ip: ANY) -> BOOL,
        "Whether ip is an IPv4 address." => |_, a| Ok(address(&a, 0)?.bytes.len() == 4),
    "IPv6" (ip: ANY) -> BOOL,
        "Whether ip is an IPv6 address." => |_, a| Ok(address(&a, 0)?.bytes.len() == 16),
    "IP" (ip: ANY) -> BOOL,
        "Whether ip is an IP address." => |_, a| address(&a, 0).map(|_| true),
    "IPCIDR" (ip: ANY) -> BOOL,
        "Whether ip is an address with the length of a prefix, such as 10.0.0.0/8." => |_, a| {
            block(&a, 0).map(|_| true)
        },
    "LoopbackIP" (ip: ANY) -> BOOL,
        "Whether ip is a loopback address." => |_, a| Ok(address(&a, 0)?.is_loopback()),
    "MulticastIP" (ip: ANY) -> BOOL,
        "Whether ip is a multicast address." => |_, a| Ok(address(&a, 0)?.is_multicast()),
    "InterfaceLocalMulticastIP" (ip: ANY) -> BOOL,
        "Whether ip is a multicast address of the interface." => |_, a| {
            let ip = address(&a, 0)?;
            Ok(ip.bytes.len() == 16 && ip.bytes[0] == 0xff && ip.bytes[1] & 15 == 1)
        },
    "LinkLocalMulticastIP" (ip: ANY) -> BOOL,
        "Whether ip is a multicast address of the link." => |_, a| {
            let ip = address(&a, 0)?.unmapped();
            Ok(match ip.bytes.len() {
                4 => ip.bytes.starts_with(&[224, 0, 0]),
                _ => ip.bytes[0] == 0xff && ip.bytes[1] & 15 == 2,
            })
        },
    "LinkLocalUnicastIP" (ip: ANY) -> BOOL,
        "Whether ip is a unicast address of the link." => |_, a| Ok(address(&a, 0)?.is_link_local()),
    "GlobalUnicastIP" (ip: ANY) -> BOOL,
        "Whether ip is a global unicast address, private ones included." => |_, a| {
            let ip = address(&a, 0)?.unmapped();
            let special = ip.bytes.iter().all(|b| *b == 0) || ip.bytes == [255; 4];
            Ok(!special && !ip.is_loopback() && !ip.is_multicast() && !ip.is_link_local())
        },
    "UnspecifiedIP" (ip: ANY) -> BOOL,
        "Whether ip is 0.0.0.0 or ::." => |_, a| {
            let ip = address(&a, 0)?;
            Ok(ip.zone.is_empty() && ip.bytes.iter().all(|b| *b == 0))
        },
    "ToIP4" (ip: ANY) -> LIST,
        "The 4 bytes of an IPv4 address." => |_, a| {
            let ip = address(&a, 0)?;
            match ip.bytes.len() {
                4 => Ok(ints(&ip.bytes)),
                _ => Err(error(format!("{} is no IPv4 address", ip.text())).argument(0)),
            }
        },
    "ToIP16" (ip: ANY) -> LIST,
        "The address as 16 bytes, an IPv4 address mapped." => |_, a| {
            let ip = address(&a, 0)?;
            Ok(match &ip.bytes[..] {
                &[a, b, c, d] => ints(&Ipv4Addr::new(a, b, c, d).to_ipv6_mapped().octets()),
                bytes => ints(bytes),
            })
        },
    "IPString" (ip: ANY) -> STRING,
        "The address as text." => |_, a| Ok(address(&a, 0)?.text()),
    "AddIP" (ip: ANY, offset: INT) -> STRING,
        "The address, or address with a prefix, so many addresses further on." => |_, a| {
            match block(&a, 0) {
                Ok(block) => {
                    let ip = block.ip.moved(a.bigint(1)?)?;
                    Ok(Block { ip, ..block }.text())
                }
                Err(_) => Ok(address(&a, 0)?.moved(a.bigint(1)?)?.text()),
            }
        },
    "AddIPCIDR" (ip: ANY, offset: INT) -> STRING,
        "The block so many blocks of its size further on." => |_, a| {
            let block = block(&a, 0)?;
            let size = block.ip.bytes.len() as u32 * 8 - block.bits;
            let offset = a.bigint(1)?;
            if offset.bits() > 256 {
                return Err(error("the address is out of range").argument(1));
            }
            let ip = block.ip.moved(offset << size)?;
            Ok(Block { ip, ..block }.text())
        },
    "ParseCIDR" (s: STRING) -> STRUCT,
        "The mask, length and first address of a block, and the broadcast address of an IPv4 block." => |_, a| {
            let block = block(&a, 0)?;
            let mask = block.mask();
            let first = block.masked();
            let text = |bytes: Vec<u8>| string(Address { bytes, zone: String::new() }.text());
            let mut fields = vec![
                ("prefix_mask".into(), text(mask.clone())),
                ("prefix_len".into(), i64::from(block.bits).into_data()),
                ("prefix_addr".into(), text(first.clone())),
            ];
            if mask.len() == 4 {
                let last = first.iter().zip(&mask).map(|(byte, mask)| byte | !mask).collect();
                fields.push(("broadcast_addr".into(), text(last)));
            }
            Ok(Data::Struct(fields.into()))
        },
    "InCIDR" (ip: ANY, cidr: ANY) -> BOOL,
        "Whether the address lies in the block." => |_, a| {
            Ok(block(&a, 1)?.contains(&address(&a, 0)?))
        },
    "CompareIP" (ip1: ANY, ip2: ANY) -> INT,
        "-1, 0 or 1: the order of two addresses, IPv4 before IPv6." => |_, a| {
            let (first, second) = (address(&a, 0)?, address(&a, 1)?);
            let key = |ip: &Address| (ip.bytes.len(), ip.bytes.clone(), ip.zone.clone());
            Ok(key(&first).cmp(&key(&second)) as i64)
        },
    "PathEscape" (s: STRING) -> STRING,
        "The text as a segment of a URL's path." => |_, a| Ok(escape(a.str(0)?, "-_.~$&+=:@", false)),
    "PathUnescape" (s: STRING) -> STRING,
        "The text of a segment of a URL's path." => |_, a| unescape(a.str(0)?, false),
    "QueryEscape" (s: STRING) -> STRING,
        "The text as a part of a URL's query." => |_, a| Ok(escape(a.str(0)?, "-_.~", true)),
    "QueryUnescape" (s: STRING) -> STRING,
        "The text of a part of a URL's query." => |_, a| unescape(a.str(0)?, true),
    "URL" (s: STRING) -> BOOL,
        "Whether s is a URL, relative or absolute." => |_, a| {
            scheme_of_url(a.str(0)?).map(|_| true).map_err(|e| error(e).argument(0))
        },
    "AbsURL" (s: STRING) -> BOOL,
        "Whether s is a URL with a scheme." => |_, a| {
            match scheme_of_url(a.str(0)?).map_err(|e| error(e).argument(0))? {
                "" => Err(error("the URL is not absolute").argument(0)),
                _ => Ok(true),
            }
        },
}

/// An IP address: 4 or 16 bytes, and the zone of an IPv6 one.
#[derive(Clone)]
pub(super) struct Address {
    bytes: Vec<u8>,
    zone: String,
}

/// An address and the length of a prefix.
pub(super) struct Block {
    ip: Address,
    bits: u32,
}

impl Address {
    pub(super) fn parse(text: &str) -> Option<Address> {
        if let Ok(v4) = text.parse::<Ipv4Addr>() {
            return Some(Address {
                bytes: v4.octets().to_vec(),
                zone: String::new(),
            });
        }
        let (ip, zone) = match text.split_once('%') {
            Some((_, "")) => return None,
            Some((ip, zone)) => (ip, zone),
            None => (text, ""),
        };
        let v6 = ip.parse::<Ipv6Addr>().ok()?;
        Some(Address {
            bytes: v6.octets().to_vec(),
            zone: zone.to_owned(),
        })
    }

    fn text(&self) -> String {
        let zone = if self.zone.is_empty() {
            String::new()
        } else {
            format!("%{}", self.zone)
        };
        if let Ok(v4) = <[u8; 4]>::try_from(&self.bytes[..]) {
            return Ipv4Addr::from(v4).to_string();
        }
        let v6 = <[u8; 16]>::try_from(&self.bytes[..]).unwrap_or_default();
        Ipv6Addr::from(v6).to_string() + &zone
    }

    /// An IPv4 address mapped into IPv6 as itself.
    fn unmapped(&self) -> Address {
        const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];
        match self.bytes.strip_prefix(&MAPPED) {
            Some(v4) => Address {
                bytes: v4.to_vec(),
                zone: String::new(),
            },
            None => self.clone(),
        }
    }

    fn is_loopback(&self) -> bool {
        let ip = self.unmapped();
        match ip.bytes.len() {
            4 => ip.bytes[0] == 127,
            _ => ip.bytes[..15].iter().all(|b| *b == 0) && ip.bytes[15] == 1,
        }
    }

    fn is_multicast(&self) -> bool {
        let ip = self.unmapped();
        if ip.bytes.len() == 4 {
            ip.bytes[0] >> 4 == 14
        } else {
            ip.bytes[0] == 0xff
        }
    }

    fn is_link_local(&self) -> bool {
        let ip = self.unmapped();
        match ip.bytes.len() {
            4 => ip.bytes.starts_with(&[169, 254]),
            _ => ip.bytes[0] == 0xfe && ip.bytes[1] & 0xc0 == 0x80,
        }
    }

    fn moved(&self, offset: BigInt) -> Result<Address> {
        let place = BigInt::from(BigUint::from_bytes_be(&self.bytes)) + offset;
        let bytes = place.magnitude().to_bytes_be();
        let length = self.bytes.len();
        if place.sign() == Sign::Minus || bytes.len() > length {
            return Err(error("the address is out of range"));
        }
        let mut whole = vec![0; length - bytes.len()];
        whole.extend(bytes);
        Ok(Address {
            bytes: whole,
            zone: String::new(),
        })
    }
}

impl Block {
    pub(super) fn parse(text: &str) -> Option<Block> {
        let (ip, bits) = text.rsplit_once('/')?;
        let ip = Address::parse(ip).filter(|ip| ip.zone.is_empty())?;
        let plain =
            bits.bytes().all(|b| b.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
        let bits = bits
            .parse::<u32>()
            .ok()
            .filter(|bits| plain && *bits <= ip.bytes.len() as u32 * 8)?;
        Some(Block { ip, bits })
    }

    fn text(&self) -> String {
        format!("{}/{}", self.ip.text(), self.bits)
    }

    fn mask(&self) -> Vec<u8> {
        let byte = |index| {
            let set = (i64::from(self.bits) - 8 * index as i64).clamp(0, 8) as u32;
            !(0xffu8.checked_shr(set).unwrap_or(0))
        };
        (0..self.ip.bytes.len()).map(byte).collect()
    }

    fn masked(&self) -> Vec<u8> {
        self.ip
            .bytes
            .iter()
            .zip(self.mask())
            .map(|(byte, mask)| byte & mask)
            .collect()
    }

    fn contains(&self, ip: &Address) -> bool {
        let same_family = ip.bytes.len() == self.ip.bytes.len() && ip.zone.is_empty();
        same_family
            && Block {
                ip: ip.clone(),
                bits: self.bits,
            }
            .masked()
                == self.masked()
    }

    /// Whether the two have an address in common.
    pub(super) fn overlaps(&self, other: &Block) -> bool {
        self.contains(&other.ip) || other.contains(&self.ip)
    }
}

fn ints(bytes: &[u8]) -> Vec<i64> {
    bytes.iter().map(|b| i64::from(*b)).collect()
}

fn address(a: &Arguments<'_>, index: usize) -> Result<Address> {
    let wrong = |what: &str| error(format!("{what} is not an IP address")).argument(index);
    match a.data(index)? {
        Data::List(list) => {
            let byte = |data: &Data| match data {
                Data::Number(number) => number.as_u64().and_then(|n| u8::try_from(n).ok()),
                _ => None,
            };
            let bytes: Option<Vec<u8>> = list.iter().map(byte).collect();
            let bytes = bytes.filter(|bytes| [4, 16].contains(&bytes.len()));
            let bytes = bytes.ok_or_else(|| wrong("the list"))?;
            Ok(Address {
                bytes,
                zone: String::new(),
            })
        }
        Data::String(_) | Data::Bytes(_) => {
            let text = String::from_utf8_lossy(a.bytes(index)?);
            Address::parse(&text).ok_or_else(|| wrong(&format!("{:?}", shortened(&text))))
        }
        other => Err(wrong(&format!("a {}", kind_of(other)))),
    }
}

fn block(a: &Arguments<'_>, index: usize) -> Result<Block> {
    let text = String::from_utf8_lossy(a.bytes(index)?);
    Block::parse(&text).ok_or_else(|| {
        let message = format!("{:?} is not a block of IP addresses", shortened(&text));
        error(message).argument(index)
    })
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn split_host_port(text: &str) -> std::result::Result<(&str, &str), String> {
    let missing = || "missing port in address".to_owned();
    let (before, port) = text.rsplit_once(':').ok_or_else(missing)?;
    let host = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']').ok_or("missing ']' in address")?;
            if after.is_empty() || !after.starts_with(':') {
                return Err(missing());
            } else if after[1..].len() != port.len() {
                return Err("too many colons in address".to_owned());
            }
            host
        }
        None if before.contains(':') => return Err("too many colons in address".to_owned()),
        None => before,
    };
    if host.contains(['[', ']']) || port.contains(['[', ']']) {
        return Err("unexpected bracket in address".to_owned());
    }
    Ok((host, port))
}

fn is_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    let valid = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if label.is_empty()
        || label.len() > 63
        || !label.bytes().all(valid)
        || label.starts_with('-')
        || label.ends_with('-')
    {
        return false;
    }
    match label.strip_prefix("xn--") {
        Some(encoded) => punycode(encoded).is_some_and(|decoded| {
            let shown = |c: char| c == '-' || c.is_alphanumeric() || !c.is_ascii();
            let usual = |c: char| !c.is_control() && !c.is_uppercase() && !c.is_whitespace();
            !decoded.is_ascii() && decoded.chars().all(|c| shown(c) && usual(c))
        }),
        None => label.get(2..4) != Some("--"),
    }
}

/// The decoded text of RFC 3492.
fn punycode(text: &str) -> Option<String> {
    let (basic, extended) = text.rsplit_once('-').unwrap_or(("", text));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let (start, mut weight, mut k) = (i, 1u32, 36u32);
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
        }
        let count = out.len() as u32 + 1;
        let mut delta = (i - start) / if start == 0 { 700 } else { 2 };
        delta += delta / count;
        k = 0;
        while delta > 455 {
            delta /= 35;
            k += 36;
        }
        bias = k + 36 * delta / (delta + 38);
        n = n.checked_add(i / count)?;
        i %= count;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}

pub(super) fn escape(text: &str, kept: &str, plus: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' if plus => out.push('+'),
            _ if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => {
                out.push(byte as char);
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescape(text: &str, plus: bool) -> Result<String> {
    let decoded = percent_decoded(text, plus).map_err(|problem| error(problem).argument(0))?;
    Ok(String::from_utf8_lossy(&decoded).into_owned())
}

fn percent_decoded(text: &str, plus: bool) -> std::result::Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let pair = after
                    .get(..2)
                    .and_then(|pair| std::str::from_utf8(pair).ok());
                let hex = pair.filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                out.push(byte.ok_or("invalid URL escape: % needs two hexadecimal digits")?);
                rest = &after[2..];
            }
            b'+' if plus => out.push(b' '),
            byte => out.push(*byte),
        }
    }
    Ok(out)
}

/// The scheme of a valid URL, empty for a relative one.
fn scheme_of_url(url: &str) -> std::result::Result<&str, String> {
    if url.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Err("control character in URL".to_owned());
    }
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    percent_decoded(fragment, false)?;
    let end = url.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    let scheme = match end {
        Some(0) if url.starts_with(':') => return Err("missing protocol scheme".to_owned()),
        Some(end)
            if url[end..].starts_with(':')
                && url.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            &url[..end]
        }
        _ => "",
    };
    let rest = if scheme.is_empty() {
        url
    } else {
        &url[scheme.len() + 1..]
    };
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(scheme);
        }
        if rest
            .split('/')
            .next()
            .is_some_and(|first| first.contains(':'))
        {
            return Err("first path segment in URL cannot contain a colon".to_owned());
        }
    }
    let has_authority = rest.starts_with("//") && (!scheme.is_empty() || !rest.starts_with("///"));
    let path = if has_authority {
        let after = &rest[2..];
        let end = after.find('/').unwrap_or(after.len());
        check_authority(&after[..end])?;
        &after[end..]
    } else {
        rest
    };
    percent_decoded(path, false)?;
    Ok(scheme)
}

fn check_authority(authority: &str) -> std::result::Result<(), String> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !user.chars().all(valid) {
        return Err("invalid user information in URL".to_owned());
    }
    percent_decoded(user, false)?;
    let is_port = |port: &str| {
        port.is_empty()
            || port
                .strip_prefix(':')
                .is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
    };
    if let Some(inner) = host.strip_prefix('[') {
        let (ip, port) = inner.rsplit_once(']').ok_or("missing ']' in host")?;
        let (ip, zone) = ip.split_once("%25").unwrap_or((ip, "0"));
        percent_decoded(zone, false)?;
        return match is_port(port) && !zone.is_empty() && ip.parse::<Ipv6Addr>().is_ok() {
            true => Ok(()),
            false => Err("invalid host in URL".to_owned()),
        };
    }
    let port = host.rfind(':').map_or("", |at| &host[at..]);
    if !is_port(port) {
        return Err("invalid port in URL".to_owned());
    }
    let allowed = |c: char| {
        c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c) || !c.is_ascii()
    };
    // In a host only bytes beyond ASCII may be escaped.
    let escapes_fine = host.match_indices('%').all(|(at, _)| {
        host.as_bytes()
            .get(at + 1)
            .is_some_and(|b| (*b as char).to_digit(16).unwrap_or(0) >= 8)
    });
    percent_decoded(host, false)?;
    match host.chars().all(allowed) && escapes_fine {
        true => Ok(()),
        false => Err("invalid character in host name".to_owned()),
    }
}

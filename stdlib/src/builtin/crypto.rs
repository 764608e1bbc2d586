//! `crypto/…`: hashes, keyed hashes and the check of Ed25519 signatures.

use super::arguments::*;
use hmac::{Hmac, Mac};
use holos_lang::value::Data;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

fn sum<D: Digest>(a: &Arguments<'_>) -> Result<Data> {
    Ok(bytes(D::digest(a.bytes(0)?).as_slice()))
}

pub(super) mod ed25519 {
    use super::*;

    package! {
        "crypto/ed25519", "ed25519", "Ed25519 signatures (RFC 8032).";
        constants { "PublicKeySize" = "32" }
        "Valid" (publicKey: TEXT, message: TEXT, signature: TEXT) -> BOOL,
            "Whether the signature is that of the message by the key." => |_, a| {
                let key = ed25519_compact::PublicKey::from_slice(a.bytes(0)?).map_err(|_| {
                    error("the public key must have 32 bytes").argument(0)
                })?;
                let Ok(signature) = ed25519_compact::Signature::from_slice(a.bytes(2)?) else {
                    return Ok(false);
                };
                Ok(key.verify(a.bytes(1)?, &signature).is_ok())
            },
    }
}

pub(super) mod hmac_package {
    use super::*;

    package! {
        "crypto/hmac", "hmac", "Keyed hashes (RFC 2104).";
        constants {
            "MD5" = "\"MD5\"",
            "SHA1" = "\"SHA1\"",
            "SHA224" = "\"SHA224\"",
            "SHA256" = "\"SHA256\"",
            "SHA384" = "\"SHA384\"",
            "SHA512" = "\"SHA512\"",
            "SHA512_224" = "\"SHA512_224\"",
            "SHA512_256" = "\"SHA512_256\"",
        }
        "Sign" (hashName: STRING, key: TEXT, data: TEXT) -> TEXT,
            "The keyed hash of the data, by the name of a hash such as hmac.SHA256." => |_, a| {
                macro_rules! sign {
                    ($hash:ty) => {{
                        let mac = Hmac::<$hash>::new_from_slice(a.bytes(1)?);
                        let mut mac = mac.map_err(|_| error("invalid key").argument(1))?;
                        mac.update(a.bytes(2)?);
                        Ok(bytes(mac.finalize().into_bytes().as_slice()))
                    }};
                }
                match a.str(0)? {
                    "MD5" => sign!(Md5),
                    "SHA1" => sign!(Sha1),
                    "SHA224" => sign!(Sha224),
                    "SHA256" => sign!(Sha256),
                    "SHA384" => sign!(Sha384),
                    "SHA512" => sign!(Sha512),
                    "SHA512_224" => sign!(Sha512_224),
                    "SHA512_256" => sign!(Sha512_256),
                    other => Err(error(format!("unsupported hash function {other:?}")).argument(0)),
                }
            },
    }
}

pub(super) mod md5_package {
    use super::*;

    package! {
        "crypto/md5", "md5", "The MD5 hash (RFC 1321); broken, for old uses only.";
        constants { "Size" = "16", "BlockSize" = "64" }
        "Sum" (data: TEXT) -> TEXT, "The 16 bytes of the hash." => |_, a| sum::<Md5>(&a),
    }
}

pub(super) mod sha1_package {
    use super::*;

    package! {
        "crypto/sha1", "sha1", "The SHA-1 hash (RFC 3174); broken, for old uses only.";
        constants { "Size" = "20", "BlockSize" = "64" }
        "Sum" (data: TEXT) -> TEXT, "The 20 bytes of the hash." => |_, a| sum::<Sha1>(&a),
    }
}

pub(super) mod sha256 {
    use super::*;

    package! {
        "crypto/sha256", "sha256", "The SHA-224 and SHA-256 hashes (FIPS 180-4).";
        constants { "Size" = "32", "Size224" = "28", "BlockSize" = "64" }
        "Sum256" (data: TEXT) -> TEXT, "The 32 bytes of the SHA-256 hash." => |_, a| sum::<Sha256>(&a),
        "Sum224" (data: TEXT) -> TEXT, "The 28 bytes of the SHA-224 hash." => |_, a| sum::<Sha224>(&a),
    }
}

pub(super) mod sha512 {
    use super::*;

    package! {
        "crypto/sha512", "sha512", "The SHA-384 and SHA-512 hashes (FIPS 180-4).";
        constants {
            "Size" = "64",
            "Size224" = "28",
            "Size256" = "32",
            "Size384" = "48",
            "BlockSize" = "128",
        }
        "Sum512" (data: TEXT) -> TEXT, "The 64 bytes of the SHA-512 hash." => |_, a| sum::<Sha512>(&a),
        "Sum384" (data: TEXT) -> TEXT, "The 48 bytes of the SHA-384 hash." => |_, a| sum::<Sha384>(&a),
        "Sum512_224" (data: TEXT) -> TEXT,
            "The 28 bytes of the SHA-512/224 hash." => |_, a| sum::<Sha512_224>(&a),
        "Sum512_256" (data: TEXT) -> TEXT,
            "The 32 bytes of the SHA-512/256 hash." => |_, a| sum::<Sha512_256>(&a),
    }
}

//! How a payload is packed: DEFLATE and base64url.

use data_encoding::BASE64URL_NOPAD;
use miniz_oxide::{deflate, inflate};

use super::Error;
use crate::limits::MAX_LINK_CONTENT_BYTES;

/// zlib's best: a link is made seldom, and read by people.
const LEVEL: u8 = 9;

/// As raw DEFLATE.
pub(super) fn deflate(text: &str) -> Vec<u8> {
    deflate::compress_to_vec(text.as_bytes(), LEVEL)
}

/// From raw DEFLATE, as far as the limit: a few bytes can stand for gigabytes.
pub(super) fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    inflate::decompress_to_vec_with_limit(bytes, MAX_LINK_CONTENT_BYTES).map_err(
        |error| match error.status {
            inflate::TINFLStatus::HasMoreOutput => Error::Large,
            _ => Error::Packing,
        },
    )
}

/// As base64url.
pub(super) fn pack(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// From base64url. Padding, which RFC 4648 lets an encoder write, is passed over.
pub(super) fn unpack(text: &str) -> Result<Vec<u8>, Error> {
    let text = text.trim_end_matches('=');
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|error| Error::Damaged(error.position + 1))
}

//! Compression of files, with a bound on what comes out.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Packs; the same bytes always give the same file.
///
/// # Errors
/// None in memory; the signature is the encoder's.
pub fn pack(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}

/// Unpacks at most `limit` bytes.
///
/// # Errors
/// Not a whole gzip file, or more than `limit` bytes in it.
pub fn unpack(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // One byte more than allowed tells a file that is too large from one that just fits.
    GzDecoder::new(packed).take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than it may be"));
    }
    Ok(content)
}

//! Bodies on the wire. In: compressed bytes. Out: plain ones, whole or an error: gzip and zstd streams of any number of
//! members, lz4 streams of several frames, and ClickHouse's own blocks (`decompress=1`), and back (`compress=1`).

use std::io::Read;

use bytes::Bytes;

use super::incoming::MAX_BODY;

const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const NONE: u8 = 0x02;
/// Checksum, method, two sizes.
const CHECKSUM: usize = 16;
const HEADER: usize = 9;
/// Plain bytes in one block that we write.
const BLOCK: usize = 1 << 20;
const LZ4_MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
/// A block that claims to be larger is damaged.
const MOST: usize = 1 << 30;

/// Undoes a `Content-Encoding`.
pub(super) fn decode(encoding: &str, body: Bytes) -> Result<Bytes, String> {
    let mut plain = Vec::new();
    let wrong = |e: std::io::Error| format!("the {encoding} body cannot be read: {e}");
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok(body),
        "gzip" | "x-gzip" => {
            unpack(flate2::read::MultiGzDecoder::new(&body[..]), &mut plain).map_err(wrong)?;
        }
        "deflate" => {
            unpack(flate2::read::ZlibDecoder::new(&body[..]), &mut plain).map_err(wrong)?;
        }
        "zstd" => {
            unpack(zstd::stream::read::Decoder::new(&body[..]).map_err(wrong)?, &mut plain).map_err(wrong)?;
        }
        "lz4" => {
            // Clients send several frames one after the other; a decoder of one would lose the rest, and takes a frame
            // without its end for a whole one.
            let mut rest = &body[..];
            while !rest.is_empty() {
                let (frame, behind) = lz4_frame(rest).ok_or("the lz4 body ends in the middle of a frame")?;
                unpack(lz4_flex::frame::FrameDecoder::new(frame), &mut plain).map_err(wrong)?;
                rest = behind;
            }
        }
        other => return Err(format!("Content-Encoding {other} is not known; allowed: gzip, deflate, zstd, lz4")),
    }
    Ok(Bytes::from(plain))
}

/// A small body may unpack to anything: what grows beyond the limit of plain bodies is refused like a larger one.
fn unpack(from: impl Read, into: &mut Vec<u8>) -> std::io::Result<()> {
    let room = MAX_BODY.saturating_sub(into.len()) as u64;
    if from.take(room + 1).read_to_end(into)? as u64 > room {
        return Err(std::io::Error::other(format!("unpacked it is longer than {MAX_BODY} bytes")));
    }
    Ok(())
}

/// The first lz4 frame and what stands behind it; `None` where no whole frame stands.
fn lz4_frame(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let flags = *body.strip_prefix(&LZ4_MAGIC)?.first()?;
    let has = |flag: u8, bytes: usize| if flags & flag == 0 { 0 } else { bytes };
    // Magic, flags, block size, [length of the content], [dictionary], checksum; blocks with [checksums]; a block of
    // length 0, [checksum of the content].
    let mut at = 6 + has(0x08, 8) + has(0x01, 4) + 1;
    loop {
        let size = u32::from_le_bytes(body.get(at..at + 4)?.try_into().ok()?);
        at += 4;
        if size == 0 {
            return body.split_at_checked(at + has(0x04, 4));
        }
        at += (size & 0x7FFF_FFFF) as usize + has(0x10, 4);
    }
}

/// Undoes ClickHouse's own block framing.
pub(super) fn unframe(body: &[u8]) -> Result<Vec<u8>, String> {
    let (mut plain, mut rest) = (Vec::with_capacity(body.len()), body);
    while !rest.is_empty() {
        let (Some(sum), Some(head)) = (rest.get(..CHECKSUM), rest.get(CHECKSUM..CHECKSUM + HEADER)) else {
            return Err("a compressed block ends inside its header".to_owned());
        };
        let size = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
        let (method, packed, unpacked) = (head[0], size(1), size(5));
        if packed < HEADER || unpacked > MOST {
            return Err("a compressed block has impossible sizes".to_owned());
        }
        let Some(block) = rest.get(CHECKSUM..CHECKSUM + packed) else {
            return Err("a compressed block ends too early".to_owned());
        };
        if checksum(block) != sum {
            return Err("a compressed block does not match its checksum".to_owned());
        }
        let data = &block[HEADER..];
        match method {
            LZ4 => plain.extend(lz4_flex::block::decompress(data, unpacked).map_err(|e| e.to_string())?),
            ZSTD => plain.extend(zstd::bulk::decompress(data, unpacked).map_err(|e| e.to_string())?),
            NONE => plain.extend_from_slice(data),
            other => return Err(format!("compression method {other:#x} is not known")),
        }
        rest = &rest[CHECKSUM + packed..];
    }
    Ok(plain)
}

/// ClickHouse's own block framing, lz4.
pub(super) fn frame(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() / 2 + 64);
    for chunk in plain.chunks(BLOCK) {
        let data = lz4_flex::block::compress(chunk);
        let mut block = Vec::with_capacity(HEADER + data.len());
        block.push(LZ4);
        block.extend_from_slice(&((HEADER + data.len()) as u32).to_le_bytes());
        block.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        block.extend_from_slice(&data);
        out.extend_from_slice(&checksum(&block));
        out.extend_from_slice(&block);
    }
    out
}

/// CityHash 1.0.2, 128 bits: the high half first, each half little-endian.
fn checksum(block: &[u8]) -> [u8; CHECKSUM] {
    let sum = cityhash_rs::cityhash_102_128(block);
    let mut out = [0; CHECKSUM];
    out[..8].copy_from_slice(&((sum >> 64) as u64).to_le_bytes());
    out[8..].copy_from_slice(&(sum as u64).to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_whole_and_damage_is_noticed() {
        let plain: Vec<u8> = (0..3_000_000_u32).flat_map(|i| (i % 977).to_le_bytes()).collect();
        let mut framed = frame(&plain);
        assert_eq!(unframe(&framed).unwrap(), plain);
        framed[40] ^= 1;
        assert!(unframe(&framed).is_err());
        assert!(unframe(&framed[..30]).is_err());
    }

    #[test]
    fn several_frames_are_one_body_and_one_that_is_cut_anywhere_is_none() {
        use std::io::Write;
        let lz4 = |part: &[u8]| {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap()
        };
        let gzip = |part: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap()
        };
        let zstd = |part: &[u8]| zstd::encode_all(part, 1).unwrap();
        for (encoding, [first, second]) in [
            ("lz4", [lz4(b"one"), lz4(b"two")]),
            ("gzip", [gzip(b"one"), gzip(b"two")]),
            ("zstd", [zstd(b"one"), zstd(b"two")]),
        ] {
            let whole = Bytes::from([&first[..], &second[..]].concat());
            assert_eq!(decode(encoding, whole.clone()).unwrap(), b"onetwo"[..], "{encoding}");
            for cut in (1..whole.len()).filter(|c| *c != first.len()) {
                assert!(decode(encoding, whole.slice(..cut)).is_err(), "{encoding} cut at {cut}");
            }
            for rest in 1..20 {
                let longer = Bytes::from([&whole[..], &vec![7; rest]].concat());
                assert!(decode(encoding, longer).is_err(), "{encoding} with a rest of {rest}");
            }
        }
    }
}

//! Protocol buffers, byte by byte.

use super::{Malformed, Result};

/// A field of a message.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    /// Number, length and value, as they are.
    pub(super) whole: &'a [u8],
    /// The value, where it has a length.
    pub(super) bytes: Option<&'a [u8]>,
    /// The value, where it is an integer.
    pub(super) varint: u64,
}

/// The fields of a message, up to the first that is not one.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = Result<Field<'_>>> {
    let mut rest = message;
    let mut sound = true;
    std::iter::from_fn(move || {
        if rest.is_empty() || !sound {
            return None;
        }
        let field = next_field(&mut rest);
        sound = field.is_some();
        Some(field.ok_or(Malformed))
    })
}

fn next_field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    let start = *rest;
    let key = varint(rest)?;
    let mut field = Field { number: key >> 3, whole: &[], bytes: None, varint: 0 };
    match key & 7 {
        0 => field.varint = varint(rest)?,
        1 => *rest = rest.get(8..)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            field.bytes = Some(rest.get(..length)?);
            *rest = &rest[length..];
        }
        5 => *rest = rest.get(4..)?,
        _ => return None,
    }
    field.whole = &start[..start.len() - rest.len()];
    Some(field)
}

pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for i in 0..10 {
        let byte = *rest.get(i)?;
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            *rest = &rest[i + 1..];
            return Some(value);
        }
    }
    None
}

pub(super) fn put(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    push_varint(message, number << 3 | 2);
    push_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

pub(super) fn put_varint(message: &mut Vec<u8>, number: u64, value: u64) {
    push_varint(message, number << 3);
    push_varint(message, value);
}

#[expect(clippy::cast_possible_truncation, reason = "7 bits")]
fn push_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

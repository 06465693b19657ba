//! Reading Protocol Buffers field by field, from a file, without loading what is skipped.
//!
//! Every length is checked against the message that holds it, so that a damaged file is an error
//! with a position, never a huge allocation. ONNX engines read the same file again with less
//! care; after this pass they only see well-nested messages.

use std::io::{self, BufRead, Seek};

/// What is wrong with a file, and where.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    /// The bytes are not what they should be.
    #[error("at byte {at}: {what}")]
    Malformed { at: u64, what: &'static str },
    /// The system refused to read on.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Varint(u64),
    /// Four or eight bytes of no interest here.
    Fixed,
    /// A string, bytes, packed numbers or a message, up to this position.
    Bytes(u64),
}

/// Messages nest as deep as control flow does in a graph; deeper ones would overflow the stack
/// of recursive readers.
const MAX_DEPTH: u32 = 100;

/// A reader that knows its position.
pub(super) struct Wire<R> {
    reader: R,
    position: u64,
    depth: u32,
}

impl<R: BufRead + Seek> Wire<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, position: 0, depth: 0 }
    }

    pub(super) const fn malformed(&self, what: &'static str) -> Damage {
        Damage::Malformed { at: self.position, what }
    }

    /// Calls `field` for every field of the message that ends at `end`. What it leaves unread of
    /// a field is skipped.
    pub(super) fn message(
        &mut self,
        end: u64,
        mut field: impl FnMut(&mut Self, u64, Value) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.malformed("messages nest too deep"));
        }
        while self.position < end {
            let tag = self.varint(end)?;
            let value = match tag & 7 {
                0 => Value::Varint(self.varint(end)?),
                1 => self.fixed(8, end)?,
                2 => {
                    let length = self.varint(end)?;
                    if length > end - self.position {
                        return Err(self.malformed("a field is longer than what holds it"));
                    }
                    Value::Bytes(self.position + length)
                }
                5 => self.fixed(4, end)?,
                _ => return Err(self.malformed("a field has an unknown wire type")),
            };
            field(self, tag >> 3, value)?;
            if let Value::Bytes(field_end) = value {
                self.skip_to(field_end)?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Checks the nesting of a message that holds nothing of interest.
    pub(super) fn skim(&mut self, end: u64) -> Result<(), Damage> {
        self.message(end, |_, _, _| Ok(()))
    }

    /// The text up to `end`.
    pub(super) fn text(&mut self, end: u64) -> Result<String, Damage> {
        let bytes = self.bytes(end)?;
        String::from_utf8(bytes).map_err(|_| self.malformed("a text is not UTF-8"))
    }

    /// The bytes up to `end`.
    pub(super) fn bytes(&mut self, end: u64) -> Result<Vec<u8>, Damage> {
        let length = usize::try_from(end - self.position)
            .map_err(|_| self.malformed("a field is longer than the memory"))?;
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        self.position = end;
        Ok(bytes)
    }

    /// The packed numbers up to `end`.
    pub(super) fn packed(&mut self, end: u64) -> Result<Vec<u64>, Damage> {
        let mut numbers = Vec::new();
        while self.position < end {
            numbers.push(self.varint(end)?);
        }
        Ok(numbers)
    }

    /// Bytes from here to `end`.
    pub(super) const fn remaining(&self, end: u64) -> u64 {
        end - self.position
    }

    fn varint(&mut self, end: u64) -> Result<u64, Damage> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            if self.position >= end {
                return Err(self.malformed("the message ends inside a number"));
            }
            let mut byte = [0];
            self.reader.read_exact(&mut byte)?;
            self.position += 1;
            let bits = u64::from(byte[0] & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return Err(self.malformed("a number has more than 64 bits"));
            }
            number |= bits << shift;
            if byte[0] < 0x80 {
                return Ok(number);
            }
        }
        Err(self.malformed("a number has more than 64 bits"))
    }

    fn fixed(&mut self, size: u64, end: u64) -> Result<Value, Damage> {
        if size > end - self.position {
            return Err(self.malformed("the message ends inside a number"));
        }
        self.skip_to(self.position + size)?;
        Ok(Value::Fixed)
    }

    fn skip_to(&mut self, target: u64) -> Result<(), Damage> {
        let Some(distance) = target.checked_sub(self.position) else {
            return Err(self.malformed("a field is shorter than what it holds"));
        };
        // A file is far shorter than `i64::MAX`, and `target` lies inside it.
        self.reader.seek_relative(distance.cast_signed())?;
        self.position = target;
        Ok(())
    }
}

//! What travels between this process and the page: JSON, then the bytes of tensors.

use serde_json::Value;

use crate::{DType, Tensor, TensorData};

/// The JSON of a message and the bytes after it.
pub(super) type Message = (Value, Vec<u8>);

/// The message as bytes: the length of the JSON as a little-endian `u32`, the JSON, the rest.
pub(super) fn encode(head: &Value, bytes: &[u8]) -> Vec<u8> {
    let json = head.to_string().into_bytes();
    // Heads name inputs and sizes; 4 GiB of that cannot be.
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(4 + json.len() + bytes.len());
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(&json);
    message.extend_from_slice(bytes);
    message
}

/// The message in `bytes`, if it is one.
pub(super) fn decode(bytes: &[u8]) -> Option<Message> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (json, rest) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(json).ok()?, rest.to_vec()))
}

/// Appends a tensor's elements, little-endian.
pub(super) fn append(bytes: &mut Vec<u8>, tensor: &Tensor) {
    match tensor.data() {
        TensorData::F32(it) => bytes.extend(it.iter().flat_map(|it| it.to_le_bytes())),
        TensorData::I64(it) => bytes.extend(it.iter().flat_map(|it| it.to_le_bytes())),
        TensorData::I32(it) => bytes.extend(it.iter().flat_map(|it| it.to_le_bytes())),
        TensorData::I8(it) => bytes.extend(it.iter().map(|it| it.cast_unsigned())),
        TensorData::U8(it) => bytes.extend_from_slice(it),
        TensorData::Bool(it) => bytes.extend(it.iter().map(|it| u8::from(*it))),
    }
}

/// The elements in `bytes`; `None` when there is a part of one left over.
pub(super) fn elements(dtype: DType, bytes: &[u8]) -> Option<TensorData> {
    fn all<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Option<Vec<T>> {
        let (whole, rest) = bytes.as_chunks();
        rest.is_empty().then(|| whole.iter().map(|it| read(*it)).collect())
    }
    Some(match dtype {
        DType::F32 => all(bytes, f32::from_le_bytes)?.into(),
        DType::I64 => all(bytes, i64::from_le_bytes)?.into(),
        DType::I32 => all(bytes, i32::from_le_bytes)?.into(),
        DType::I8 => all(bytes, i8::from_le_bytes)?.into(),
        DType::U8 => bytes.to_vec().into(),
        DType::Bool => bytes.iter().map(|it| *it != 0).collect::<Vec<_>>().into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{append, decode, elements, encode};
    use crate::{Tensor, TensorData};

    #[test]
    fn what_was_encoded_is_decoded_and_pieces_are_not() {
        let head = json!({"id": 3});
        let message = encode(&head, &[1, 2, 3]);
        assert_eq!(decode(&message), Some((head, vec![1, 2, 3])));
        assert_eq!(decode(&message[..3]), None);
        assert_eq!(decode(&message[..8]), None);
    }

    #[test]
    fn elements_of_every_type_come_back() {
        let all: [TensorData; 6] = [
            vec![1.5_f32, -0.0].into(),
            vec![i64::MIN, 7].into(),
            vec![i32::MAX, -7].into(),
            vec![i8::MIN, 7].into(),
            vec![255_u8, 7].into(),
            vec![true, false].into(),
        ];
        for data in all {
            let tensor = Tensor::new(vec![2], data).unwrap();
            let mut bytes = Vec::new();
            append(&mut bytes, &tensor);
            assert_eq!(elements(tensor.dtype(), &bytes).as_ref(), Some(tensor.data()));
            bytes.push(0);
            let left_over = elements(tensor.dtype(), &bytes);
            assert!(left_over.is_none_or(|it| it.len() == 3));
        }
    }
}

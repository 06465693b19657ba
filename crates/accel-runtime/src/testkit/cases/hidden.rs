//! Tokens of padding that a decoder's mask hides.
//!
//! A token of padding before a text sees nothing, not even itself: its attention is divided among
//! no tokens, and what becomes of that depends on the type of the numbers. Nothing reads it, so a
//! graph in fewer bits is not held to the reference there.

use crate::testkit::reference::GraphCase;
use crate::{Tensor, TensorData};

/// The results and the recorded ones, both zero where they belong to a hidden token.
pub(super) fn left_out(case: &GraphCase, got: Vec<Tensor>) -> (GraphCase, Vec<Tensor>) {
    let mut case = case.clone();
    let is_decoder = case.inputs.iter().any(|(name, _)| name.starts_with("past_"));
    let mask = case.inputs.iter().find(|(name, _)| name == "attention_mask");
    let Some((_, mask)) = mask.filter(|_| is_decoder) else { return (case, got) };
    let mask = mask.clone();
    let got = got.into_iter().map(|it| blanked(it, &mask)).collect();
    for (_, want) in &mut case.outputs {
        *want = blanked(want.clone(), &mask);
    }
    (case, got)
}

fn blanked(tensor: Tensor, mask: &Tensor) -> Tensor {
    let (shape, data) = tensor.into_parts();
    let data = match data {
        TensorData::F32(mut floats) => {
            for (index, float) in floats.iter_mut().enumerate() {
                if is_hidden(mask, &shape, index) {
                    *float = 0.0;
                }
            }
            floats.into()
        }
        other => other,
    };
    Tensor::new(shape, data).expect("the shape and the number of elements are what they were")
}

/// Whether an element of logits [batch, new tokens, words] or of a cache [batch, heads, tokens,
/// width] belongs to a token that the mask [batch, tokens] hides.
fn is_hidden(mask: &Tensor, shape: &[usize], index: usize) -> bool {
    let (token, tokens, each) = match *shape {
        [_, new, words] => (index / words % new, new, new * words),
        [_, heads, tokens, width] => (index / width % tokens, tokens, heads * tokens * width),
        _ => return false,
    };
    let (Ok(seen), Some(all)) = (mask.as_i64(), mask.shape().get(1)) else { return false };
    let place = (index / each * all + all + token).checked_sub(tokens);
    place.and_then(|it| seen.get(it)) == Some(&0)
}

#[cfg(test)]
mod tests {
    use super::is_hidden;
    use crate::Tensor;

    #[test]
    fn padding_is_hidden_in_scores_and_in_the_cache() {
        // Two texts of three tokens, the second padded by one; two of them are new.
        let mask = Tensor::new(vec![2, 3], vec![1_i64, 1, 1, 0, 1, 1]).unwrap();
        let hidden = |shape: &[usize]| -> Vec<usize> {
            let count = shape.iter().product();
            (0..count).filter(|it| is_hidden(&mask, shape, *it)).collect()
        };
        assert_eq!(hidden(&[2, 2, 5]), [0; 0]);
        assert_eq!(hidden(&[2, 3, 2]), [6, 7]);
        assert_eq!(hidden(&[2, 2, 3, 1]), [6, 9]);
    }
}

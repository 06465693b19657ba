//! A set of subfamilies with a likeliest one: what a piece of evidence leaves possible.

use serde::ser::{Serialize, SerializeSeq as _, Serializer};

use crate::{Subfamily, Vocabulary as _};

/// Subfamilies that a piece of evidence speaks for, the likeliest apart. Empty: it speaks for a
/// model of no kind that this program knows, such as a time series model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    likeliest: Option<Subfamily>,
    set: u64,
}

// Every subfamily has a bit.
const _: () = assert!(Subfamily::ALL.len() <= 64, "`Kinds` has 64 bits");

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self { likeliest: None, set: 0 };

    /// One kind.
    pub const fn one(kind: Subfamily) -> Self {
        Self { likeliest: Some(kind), set: bit(kind) }
    }

    /// The kinds of a list, the first being the likeliest.
    pub fn of(kinds: impl IntoIterator<Item = Subfamily>) -> Self {
        kinds.into_iter().fold(Self::NONE, |all, kind| Self {
            likeliest: all.likeliest.or(Some(kind)),
            set: all.set | bit(kind),
        })
    }

    /// The likeliest one; `None` for no kind.
    pub const fn likeliest(self) -> Option<Subfamily> {
        self.likeliest
    }

    /// Whether `kind` is among them.
    pub const fn has(self, kind: Subfamily) -> bool {
        self.set & bit(kind) != 0
    }

    /// Whether there is exactly one.
    pub const fn is_one(self) -> bool {
        self.set.is_power_of_two()
    }

    /// Whether there is none.
    pub const fn is_none(self) -> bool {
        self.set == 0
    }

    /// Those that `other` has as well, with the likeliest of `self` where it is one of them.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let set = self.set & other.set;
        let among = |it: &Subfamily| set & bit(*it) != 0;
        let likeliest = self.likeliest.filter(among).or(other.likeliest.filter(among));
        Self { likeliest: likeliest.or_else(|| Self { likeliest, set }.iter().next()), set }
    }

    /// Each of them, the likeliest first.
    pub fn iter(self) -> impl Iterator<Item = Subfamily> {
        let rest = move |it: &Subfamily| self.has(*it) && self.likeliest != Some(*it);
        self.likeliest.into_iter().chain(Subfamily::ALL.iter().copied().filter(rest))
    }
}

const fn bit(kind: Subfamily) -> u64 {
    1 << kind as u32
}

impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for kind in self.iter() {
            list.serialize_element(kind.name())?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::Kinds;
    use crate::Subfamily::{CausalLm, MaskedLm, Seq2seq};

    #[test]
    fn the_likeliest_survives_where_it_can() {
        let text = Kinds::of([CausalLm, Seq2seq]);
        assert_eq!(text.iter().collect::<Vec<_>>(), [CausalLm, Seq2seq]);
        assert_eq!(text.and(Kinds::of([MaskedLm, Seq2seq])), Kinds::one(Seq2seq));
        assert_eq!(Kinds::of([MaskedLm, Seq2seq]).and(text), Kinds::one(Seq2seq));
        assert_eq!(text.and(text), text);
        assert!(text.and(Kinds::one(MaskedLm)).is_none());
        assert!(Kinds::one(MaskedLm).is_one() && !text.is_one() && !Kinds::NONE.is_one());
    }
}

//! A count that must not be told. It stays in its place in a [`super::Comparison`] as one of the uppermost numbers, which no
//! count reaches, so that it cannot be told by mistake: whoever shows a count asks [`Told::of`] what it is. In: a number. Out:
//! what may be said of it.

/// The two uppermost bits; the bound stands below them.
const UNTOLD: u64 = 1 << 63;
const MUCH: u64 = 1 << 62;

/// What may be said of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Count(u64),
    /// At least one, and fewer than this.
    Below(u64),
    /// At least this: told, it would tell another one.
    AtLeast(u64),
}

impl Told {
    pub const fn of(count: u64) -> Self {
        match (count & UNTOLD != 0, count & MUCH != 0) {
            (false, _) => Self::Count(count),
            (true, false) => Self::Below(count & !UNTOLD),
            (true, true) => Self::AtLeast(count & !(UNTOLD | MUCH)),
        }
    }

    /// Kept where the count stood.
    pub const fn as_count(self) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Below(bound) => UNTOLD | bound,
            Self::AtLeast(bound) => UNTOLD | MUCH | bound,
        }
    }

    pub const fn count(self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(count),
            Self::Below(_) | Self::AtLeast(_) => None,
        }
    }

    /// It is no more than the count.
    pub const fn least(self) -> u64 {
        match self {
            Self::Count(count) | Self::AtLeast(count) => count,
            Self::Below(_) => 1,
        }
    }
}

pub(super) const fn is_told(count: u64) -> bool {
    count & UNTOLD == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_in_the_place_of_a_count_says_the_same_again() {
        for told in [Told::Count(0), Told::Count(4_000_000_000_000), Told::Below(5), Told::AtLeast(1_000)] {
            assert_eq!(Told::of(told.as_count()), told);
            assert_eq!(is_told(told.as_count()), told.count().is_some());
        }
        assert_eq!([Told::Below(5), Told::AtLeast(5), Told::Count(7)].map(Told::least), [1, 5, 7]);
    }
}

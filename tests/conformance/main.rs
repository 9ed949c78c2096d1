//! Alignments against oracles that share no code with them: all runs of small random maps by enumeration, and PM4Py in a
//! process of its own.

mod brute;
mod naive;
mod random;

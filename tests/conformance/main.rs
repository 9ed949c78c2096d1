//! Alignments against oracles that share no code with them: all runs of small random maps by enumeration, and PM4Py in a
//! process of its own.

#[path = "../support/python.rs"]
mod python;
mod brute;
#[path = "../support/data.rs"]
mod data;
mod naive;
mod pm4py;
mod pm4py_process;
mod random;
mod variants;

//! Unit and property tests of the rules.

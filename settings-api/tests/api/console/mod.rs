//! The console, as a browser's requests see it.

mod attacks;
mod pages;
mod sign_in;
mod visitor;

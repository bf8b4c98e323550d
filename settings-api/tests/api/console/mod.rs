//! The console, as a browser's requests see it, and in a browser.

mod accessibility;
mod attacks;
mod browser;
mod in_a_browser;
mod pages;
mod scale;
mod sign_in;
mod visitor;
mod web_driver;

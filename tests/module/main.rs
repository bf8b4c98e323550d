//! The built module in an interpreter, under a host that can refuse every hostcall.

mod exports;
mod hostile;
mod vm;

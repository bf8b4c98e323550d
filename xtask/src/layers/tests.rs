use std::collections::BTreeMap;
use std::path::Path;

use super::{findings_of, modules};

const ORDER: &[&[&str]] = &[&["top"], &["middle", "other"], &["bottom"]];

/// The findings in a crate of these files.
fn findings(files: &[(&str, &str)], order: Option<&[&[&str]]>) -> Vec<String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let read = |path: &Path| files.get(path.to_str()?).map(|text| (*text).to_owned());
    let modules = modules::read(Path::new("src/lib.rs"), &read).unwrap();
    findings_of(&modules, order)
}

#[test]
fn files_that_use_one_way_have_no_findings() {
    let files = [
        ("src/lib.rs", "pub mod top; mod middle; mod bottom;"),
        ("src/top.rs", "use crate::middle::f; use crate::bottom;"),
        (
            "src/middle/mod.rs",
            "mod part; pub use part::f; use super::bottom::X;",
        ),
        ("src/middle/part.rs", "use crate::bottom::X; pub fn f() {}"),
        ("src/bottom.rs", "use std::fmt; pub struct X;"),
    ];
    assert_eq!(findings(&files, Some(ORDER)), Vec::<String>::new());
}

#[test]
fn a_circle_is_listed_with_the_first_use_between_each_two_files() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::b::f;"),
        ("src/b.rs", "\n\nuse crate::{\n    c::g,\n};"),
        (
            "src/c.rs",
            "fn g() { super::a::h() }\nfn i() { super::a::h() }",
        ),
    ];
    assert_eq!(
        findings(&files, None),
        ["3 files import each other in a circle:\
          \n  src/a.rs:1 uses src/b.rs\
          \n  src/b.rs:4 uses src/c.rs\
          \n  src/c.rs:1 uses src/a.rs"]
    );
}

#[test]
fn parent_and_child_that_use_each_other_are_a_circle() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a/mod.rs", "mod b; struct Shared; fn f() { b::g() }"),
        ("src/a/b.rs", "use super::Shared; fn g() {}"),
    ];
    assert_eq!(
        findings(&files, None),
        ["2 files import each other in a circle:\
          \n  src/a/b.rs:1 uses src/a/mod.rs\
          \n  src/a/mod.rs:1 uses src/a/b.rs"]
    );
}

#[test]
fn a_circle_is_found_beside_files_that_use_nothing() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod leaf; mod other_leaf;"),
        ("src/a.rs", "use crate::b::f; use crate::leaf::g;"),
        ("src/b.rs", "use crate::a::h; use crate::other_leaf::i;"),
        ("src/leaf.rs", ""),
        ("src/other_leaf.rs", ""),
    ];
    assert_eq!(
        findings(&files, None),
        ["2 files import each other in a circle:\
          \n  src/a.rs:1 uses src/b.rs\
          \n  src/b.rs:1 uses src/a.rs"]
    );
}

#[test]
fn a_name_that_another_file_re_exports_leads_to_its_definition() {
    let files = [
        ("src/lib.rs", "mod a;"),
        (
            "src/a/mod.rs",
            "mod b; mod c; pub use c::{Shared as Other, self as renamed}; use b::g;",
        ),
        (
            "src/a/b.rs",
            "use super::Other; use super::renamed::X; pub fn g() {}",
        ),
        ("src/a/c.rs", "pub struct Shared; pub struct X;"),
    ];
    assert_eq!(findings(&files, None), Vec::<String>::new());
}

#[test]
fn paths_in_macros_types_and_inline_modules_count_too() {
    for code in [
        "fn f() { format!(\"{}\", crate::b::NAME) }",
        "struct S(Vec<crate::b::T>);",
        "mod inline { use super::super::b; }",
        "use crate::b::*;",
        "fn f() { use crate::{b}; }",
    ] {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", code),
            ("src/b.rs", "use crate::a;"),
        ];
        assert_eq!(findings(&files, None).len(), 1, "{code}");
    }
}

#[test]
fn tests_and_other_crates_do_not_count() {
    for code in [
        "#[cfg(test)] mod tests { use crate::b::f; }",
        "#[cfg(test)] mod missing_file;",
        "#[cfg(all(test, unix))] use crate::b::f;",
        "use b::f;",
        "/// [`crate::b`]\nfn documented() {}",
        "const TEXT: &str = \"crate::b\";",
        "pub(crate) fn f() { b::g() } pub(super) struct S;",
    ] {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", code),
            ("src/b.rs", "use crate::a;"),
        ];
        assert_eq!(findings(&files, None), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn an_arrow_that_runs_up_is_named_with_its_line() {
    let files = [
        (
            "src/lib.rs",
            "mod top; mod middle; mod other; mod bottom; pub struct Error;",
        ),
        ("src/top.rs", ""),
        ("src/middle.rs", "use crate::other;\nuse crate::top;"),
        ("src/other.rs", "use crate::Error;"),
        ("src/bottom.rs", "use crate::middle::{self};"),
    ];
    assert_eq!(
        findings(&files, Some(ORDER)),
        [
            "src/bottom.rs:1 uses src/middle.rs, which is in a higher layer",
            "src/middle.rs:2 uses src/top.rs, which is in a higher layer",
            "src/other.rs:1 uses src/lib.rs, which is in a higher layer",
        ]
    );
}

#[test]
fn a_module_that_the_order_does_not_know_is_named() {
    let files = [
        ("src/lib.rs", "mod new;"),
        ("src/new/mod.rs", "mod part;"),
        ("src/new/part.rs", ""),
    ];
    assert_eq!(
        findings(&files, Some(ORDER)),
        ["src/new/mod.rs: the module new has no layer"]
    );
}

#[test]
fn a_missing_file_is_an_error_that_names_the_module() {
    let read = |path: &Path| path.ends_with("lib.rs").then(|| "mod gone;".to_owned());
    let error = modules::read(Path::new("src/lib.rs"), &read).unwrap_err();
    assert_eq!(error.to_string(), "src/lib.rs: no file for `mod gone;`");
}

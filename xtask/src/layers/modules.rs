//! The modules of a crate: which file each is in, and which names it imports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use quote::ToTokens;
use syn::{Attribute, Item, ItemMod, Meta, UseTree};

use super::paths::{self, Reference};

/// A module's place in the crate: `["config", "error"]` for `crate::config::error`.
pub(super) type ModulePath = Vec<String>;

/// One module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Relative to the repository's root; the enclosing file for an inline module.
    pub(super) file: PathBuf,
    /// The child modules.
    pub(super) children: Vec<String>,
    /// What a name stands for that the module imports or re-exports, as it is written there.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// Every path in the module's code that leads into this crate, if it resolves at all.
    pub(super) references: Vec<Reference>,
}

/// Every module of a crate but its tests.
pub(super) type Modules = BTreeMap<ModulePath, Module>;

/// Reads the crate whose root is that file; `read` yields a file's text, `None` if there is none.
pub(super) fn read(root: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Result<Modules> {
    let mut modules = Modules::new();
    let folder = root.parent().unwrap_or(Path::new("")).to_owned();
    let reader = Reader { read };
    reader.file(&mut modules, Vec::new(), root, &folder)?;
    Ok(modules)
}

struct Reader<'a> {
    read: &'a dyn Fn(&Path) -> Option<String>,
}

impl Reader<'_> {
    /// Adds the module in `file`, whose child modules are in `folder`.
    fn file(
        &self,
        modules: &mut Modules,
        path: ModulePath,
        file: &Path,
        folder: &Path,
    ) -> Result<()> {
        let text = (self.read)(file).with_context(|| format!("{}: not found", file.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| file.display().to_string())?;
        self.items(modules, path, file, folder, parsed.items)
    }

    fn items(
        &self,
        modules: &mut Modules,
        path: ModulePath,
        file: &Path,
        folder: &Path,
        items: Vec<Item>,
    ) -> Result<()> {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    module.children.push(child.ident.to_string());
                    self.child(modules, &path, file, folder, child)?;
                }
                Item::Use(import) => {
                    collect_imports(&import.tree, &mut Vec::new(), &mut module.imports);
                    paths::collect(import.to_token_stream(), &mut module.references);
                }
                other => paths::collect(other.to_token_stream(), &mut module.references),
            }
        }
        modules.insert(path, module);
        Ok(())
    }

    fn child(
        &self,
        modules: &mut Modules,
        parent: &ModulePath,
        file: &Path,
        folder: &Path,
        child: ItemMod,
    ) -> Result<()> {
        let name = child.ident.to_string();
        let mut path = parent.clone();
        path.push(name.clone());
        let below = folder.join(&name);
        if let Some((_, items)) = child.content {
            return self.items(modules, path, file, &below, items);
        }
        let candidates = [folder.join(format!("{name}.rs")), below.join("mod.rs")];
        match candidates.iter().find(|path| (self.read)(path).is_some()) {
            Some(found) => self.file(modules, path, found, &below),
            None => bail!("{}: no file for `mod {name};`", file.display()),
        }
    }
}

/// Whether the item exists in tests alone: `#[cfg(test)]`, or `test` as one of several conditions.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        let condition = list.tokens.to_string();
        let mut words = condition.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        list.path.is_ident("cfg")
            && !condition.contains("not")
            && !condition.contains("any")
            && words.any(|word| word == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Adds what each name of a `use` stands for; `before` are the segments in front of the tree.
fn collect_imports(
    tree: &UseTree,
    before: &mut Vec<String>,
    imports: &mut BTreeMap<String, Vec<String>>,
) {
    let mut add = |name: String, last: String| {
        let mut path = before.clone();
        if last != "self" {
            path.push(last);
        }
        let name = if name == "self" {
            path.last().cloned()
        } else {
            Some(name)
        };
        imports.extend(name.map(|name| (name, path)));
    };
    match tree {
        UseTree::Name(tree) => add(tree.ident.to_string(), tree.ident.to_string()),
        UseTree::Rename(tree) => add(tree.rename.to_string(), tree.ident.to_string()),
        UseTree::Path(tree) => {
            before.push(tree.ident.to_string());
            collect_imports(&tree.tree, before, imports);
            before.pop();
        }
        UseTree::Group(tree) => {
            for tree in &tree.items {
                collect_imports(tree, before, imports);
            }
        }
        UseTree::Glob(_) => {}
    }
}

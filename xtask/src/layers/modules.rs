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

/// Reads a file's text; `None` if there is no such file.
type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// Reads the crate whose root is that file.
pub(super) fn read(root: &Path, read: Read<'_>) -> Result<Modules> {
    let mut reader = Reader {
        read,
        modules: Modules::new(),
    };
    reader.read_file(Place {
        path: Vec::new(),
        file: root.to_owned(),
        folder: root.parent().unwrap_or(Path::new("")).to_owned(),
    })?;
    Ok(reader.modules)
}

/// Where a module is.
struct Place {
    path: ModulePath,
    file: PathBuf,
    /// The folder of the files of its child modules.
    folder: PathBuf,
}

struct Reader<'a> {
    read: Read<'a>,
    modules: Modules,
}

impl Reader<'_> {
    fn read_file(&mut self, place: Place) -> Result<()> {
        let file = place.file.display().to_string();
        let text = (self.read)(&place.file).with_context(|| format!("{file}: not found"))?;
        let parsed = syn::parse_file(&text).context(file)?;
        self.read_items(place, parsed.items)
    }

    fn read_items(&mut self, place: Place, items: Vec<Item>) -> Result<()> {
        let mut module = Module {
            file: place.file.clone(),
            ..Module::default()
        };
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    module.children.push(child.ident.to_string());
                    self.read_child(&place, child)?;
                }
                Item::Use(import) => {
                    collect_imports(&import.tree, &mut Vec::new(), &mut module.imports);
                    paths::collect(import.to_token_stream(), &mut module.references);
                }
                other => paths::collect(other.to_token_stream(), &mut module.references),
            }
        }
        self.modules.insert(place.path, module);
        Ok(())
    }

    fn read_child(&mut self, parent: &Place, child: ItemMod) -> Result<()> {
        let name = child.ident.to_string();
        let folder = parent.folder.join(&name);
        let at = |file: PathBuf| Place {
            path: [parent.path.as_slice(), std::slice::from_ref(&name)].concat(),
            file,
            folder: folder.clone(),
        };
        if let Some((_, items)) = child.content {
            return self.read_items(at(parent.file.clone()), items);
        }
        let candidates = [
            parent.folder.join(format!("{name}.rs")),
            folder.join("mod.rs"),
        ];
        match candidates
            .into_iter()
            .find(|file| (self.read)(file).is_some())
        {
            Some(file) => self.read_file(at(file)),
            None => bail!("{}: no file for `mod {name};`", parent.file.display()),
        }
    }
}

/// Whether the item exists in tests alone: `#[cfg(test)]`, or `test` and other conditions.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        let condition = list.tokens.to_string();
        let words: Vec<&str> = condition
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .collect();
        list.path.is_ident("cfg")
            && words.contains(&"test")
            && !words.contains(&"not")
            && !words.contains(&"any")
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

//! What the source of a core crate must not name: files, sockets, processes, the environment, the clock.
//!
//! These are all in the standard library, so no list of dependencies shows them. The source is parsed, not searched:
//! comments and strings do not count, nested imports do, and so does what stands inside of a macro call. Items under
//! `#[cfg(test)]` are left out: a test may read its fixtures.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Modules and items that are forbidden by their full path, together with all below them.
const FORBIDDEN: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "io", "stderr"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
    &["std", "net", "TcpListener"],
    &["std", "net", "TcpStream"],
    &["std", "net", "ToSocketAddrs"],
    &["std", "net", "UdpSocket"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
];

/// Functions that read a clock, by the end of their path: the types themselves are only values.
const CLOCKS: &[&[&str]] = &[
    &["Instant", "now"],
    &["SystemTime", "now"],
    &["SystemTime", "elapsed"],
    &["Timestamp", "now"],
    &["UtcDateTime", "now"],
    &["OffsetDateTime", "now_utc"],
    &["UnixTime", "now"],
    &["Zoned", "now"],
];

/// One line, with file and line number, for each offence in the folder.
pub(super) fn offences(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut offences = Vec::new();
    let mut tests = HashSet::new();
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    // A parent is read before its children, so that modules which it declares for tests only are known by then.
    files.sort_by_key(|file| (file.components().count(), !is_parent(file), file.clone()));
    for file in files {
        if tests.iter().any(|test: &PathBuf| file.starts_with(test) || file.with_extension("") == *test) {
            continue;
        }
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let scan = Scan::of(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        let home = if is_parent(&file) { file.with_file_name("") } else { file.with_extension("") };
        tests.extend(scan.test_modules.iter().map(|name| home.join(name)));
        let name = file.strip_prefix(crate::shell::root()).unwrap_or(&file);
        offences.extend(scan.found.iter().map(|(line, path)| format!("{}:{line}: {path}", name.display())));
    }
    Ok(offences)
}

fn is_parent(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "lib.rs" || name == "mod.rs")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// What one file says.
#[derive(Default)]
struct Scan {
    found: Vec<(usize, String)>,
    /// Modules in files of their own that are compiled for tests only.
    test_modules: Vec<String>,
}

impl Scan {
    fn of(text: &str) -> syn::Result<Self> {
        let mut scan = Self::default();
        scan.visit_file(&syn::parse_file(text)?);
        Ok(scan)
    }

    fn path(&mut self, segments: &[String], at: Span) {
        // `use std::net;` makes `net::TcpStream` a name for the same thing.
        let forbidden = FORBIDDEN.iter().any(|path| match path {
            [_, module @ ..] if module.len() == 2 => starts_with(segments, path) || starts_with(segments, module),
            _ => starts_with(segments, path),
        });
        let clock = CLOCKS.iter().any(|path| {
            let tail = segments.len().checked_sub(path.len()).and_then(|from| segments.get(from..));
            tail.is_some_and(|tail| starts_with(tail, path))
        });
        if forbidden || clock {
            self.found.push((at.start().line, segments.join("::")));
        }
    }

    fn tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| {
            let mut path = prefix.to_vec();
            path.push(name.to_string());
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            // `use std::fs::{self}` names `std::fs`.
            syn::UseTree::Name(name) if name.ident == "self" => self.path(prefix, name.ident.span()),
            syn::UseTree::Name(name) => self.path(&with(&name.ident), name.ident.span()),
            syn::UseTree::Rename(rename) => self.path(&with(&rename.ident), rename.ident.span()),
            syn::UseTree::Glob(glob) => self.glob(prefix, glob),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(prefix, item)),
        }
    }

    /// `use std::net::*` brings in all that is below, the forbidden too.
    fn glob(&mut self, prefix: &[String], glob: &syn::UseGlob) {
        let below = FORBIDDEN.iter().any(|path| starts_with(path, prefix));
        let at = glob.star_token.spans.first().map_or_else(Span::call_site, |span| *span);
        if below {
            self.found.push((at.start().line, format!("{}::*", prefix.join("::"))));
        } else {
            self.path(prefix, at);
        }
    }

    /// Paths inside of a macro call: names joined by `::`.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut at = Span::call_site();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.path(&std::mem::take(&mut path), at);
                        at = ident.span();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    self.path(&std::mem::take(&mut path), at);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.path(&path, at);
    }
}

impl<'ast> Visit<'ast> for Scan {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        } else if let syn::Item::Mod(module) = item
            && module.content.is_none()
        {
            self.test_modules.push(module.ident.to_string());
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(first) = path.segments.first() {
            self.path(&segments, first.ident.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.tokens(call.tokens.clone());
    }
}

/// Whether a path begins with the other one's segments.
fn starts_with<A: AsRef<str>, B: AsRef<str>>(path: &[A], with: &[B]) -> bool {
    path.len() >= with.len() && path.iter().zip(with).all(|(one, other)| one.as_ref() == other.as_ref())
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]` and `#[cfg(all(test, ...))]`: compiled for tests and for nothing else.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let Ok(list) = attribute.meta.require_list() else { return false };
        let condition = list.tokens.to_string().replace(' ', "");
        condition == "test" || condition.starts_with("all(test,") || condition.starts_with("all(test)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str)]) {
        let scan = Scan::of(text).expect("parses");
        let found: Vec<(usize, &str)> = scan.found.iter().map(|(line, path)| (*line, path.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn files_sockets_processes_and_environment_are_found() {
        check("use std::fs;", &[(1, "std::fs")]);
        check("use std::fs::{self, File};", &[(1, "std::fs"), (1, "std::fs::File")]);
        check(
            "use std::{\n    collections::HashMap,\n    net::{IpAddr, UdpSocket},\n};",
            &[(3, "std::net::UdpSocket")],
        );
        check("use std::env::*;", &[(1, "std::env::*")]);
        check("use std::net::*;", &[(1, "std::net::*")]);
        check("use std::net;\nfn f(a: net::IpAddr) { net::UdpSocket::bind(a) }", &[(2, "net::UdpSocket::bind")]);
        check("use std::process::Command as Run;", &[(1, "std::process::Command")]);
        check("fn f() { ::std::net::TcpStream::connect(a); }", &[(1, "std::net::TcpStream::connect")]);
        check("fn f() -> std::net::TcpListener { g() }", &[(1, "std::net::TcpListener")]);
    }

    #[test]
    fn clocks_are_found_but_times_are_values() {
        check("use std::time::{Instant, SystemTime};\nfn f(at: Instant) -> Instant { at }", &[]);
        check("fn f() { let at = Instant::now(); }", &[(1, "Instant::now")]);
        check("fn f() { jiff::Timestamp::now(); }", &[(1, "jiff::Timestamp::now")]);
        check("fn f() { g(std::time::SystemTime::now) }", &[(1, "std::time::SystemTime::now")]);
    }

    #[test]
    fn macro_calls_are_looked_into() {
        check("fn f() { assert!(x, \"{}\", vec![Instant::now()].len()); }", &[(1, "Instant::now")]);
        check("m! { use std::fs; a: std::net::IpAddr }", &[(1, "std::fs")]);
    }

    #[test]
    fn comments_strings_tests_and_pure_items_are_not() {
        check("/// Like std::fs, see Instant::now.\nconst A: &str = \"std::env::var\";", &[]);
        check("use std::{io::Read, net::{IpAddr, SocketAddr}};", &[]);
        check("#[cfg(test)]\nmod tests { use std::fs; fn f() { Instant::now(); } }", &[]);
        check("#[cfg(all(test, unix))]\nfn f() { std::fs::read(p); }", &[]);
        check("const A: &str = env!(\"CARGO_PKG_VERSION\");", &[]);
    }

    #[test]
    fn what_is_compiled_without_tests_counts() {
        check("#[cfg(not(test))]\nuse std::fs;", &[(2, "std::fs")]);
        check("#[cfg(any(test, unix))]\nuse std::fs;", &[(2, "std::fs")]);
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_known() {
        let scan = Scan::of("#[cfg(test)]\nmod tests;\nmod other;").expect("parses");
        assert_eq!(scan.test_modules, ["tests"]);
    }

    #[test]
    fn our_own_shell_would_be_caught() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let offences = offences(&own).expect("readable");
        assert!(offences.iter().any(|offence| offence.starts_with("xtask/src/shell.rs:")), "{offences:?}");
    }
}

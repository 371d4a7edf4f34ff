//! Short names between the module and its glue.
//!
//! wasm-bindgen names what the module imports by what it is and a hash of it, in the module and in
//! the glue. Both are fetched before the first picture, and nobody reads them there.

use std::collections::BTreeMap;
use std::convert::Infallible;

use anyhow::{Result, ensure};
use wasm_encoder::ImportSection;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasmparser::Import;

use crate::module::Module;
use crate::parts::short_names;

/// The module's and the glue's new text.
pub(crate) fn shorten(bytes: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let module = Module::parse(bytes)?;
    // In the glue each is a property with a line of its own.
    let mut places: Vec<(usize, &str)> = Vec::new();
    for import in module.imports.iter().filter(|import| is_glue(import)) {
        let property = format!("\n        {}: ", import.name);
        let mut found = glue.match_indices(&property);
        if let (Some((at, _)), None) = (found.next(), found.next()) {
            places.push((at + property.len() - import.name.len() - 2, import.name));
        }
    }
    // By their order in the glue, so that the same glue always has the same names.
    places.sort_unstable();
    let mut names = BTreeMap::new();
    let mut out = String::new();
    let mut done = 0;
    for ((at, name), short) in places.into_iter().zip(short_names(&[])) {
        out.push_str(&glue[done..at]);
        // A property's name may be anything in quotes.
        out.push_str(&format!("\"{short}\""));
        done = at + name.len();
        names.insert(name.to_owned(), short);
    }
    out.push_str(&glue[done..]);
    for import in module.imports.iter().filter(|import| is_glue(import)) {
        // What kept its name must not be mistaken for something that got a short one.
        let kept = !names.contains_key(import.name);
        let taken = names.values().any(|short| short == import.name);
        ensure!(!(kept && taken), "{} is a short name already", import.name);
    }
    let mut shortener = Shortener { names };
    let mut module = wasm_encoder::Module::new();
    shortener
        .parse_core_module(&mut module, wasmparser::Parser::new(0), bytes)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok((module.finish(), out))
}

/// Whether the glue gives it: other imports are of JavaScript modules, by the names that those have.
fn is_glue(import: &Import<'_>) -> bool {
    import.module.ends_with("_bg.js")
}

struct Shortener {
    names: BTreeMap<String, String>,
}

impl Reencode for Shortener {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        for import in section.into_imports() {
            let import = import?;
            let short = self.names.get(import.name).filter(|_| is_glue(&import));
            let name = short.cloned();
            let name = name.as_deref().unwrap_or(import.name);
            utils::parse_import(self, imports, Import { name, ..import })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_get_the_same_names() {
        let bytes = wat::parse_str(
            r#"(module
                (import "./x_bg.js" "__wbg_b_1" (func))
                (import "./x_bg.js" "__wbg_a_2" (func (param i32)))
                (import "./snippets/y.js" "__wbg_a_2" (func)))"#,
        )
        .unwrap();
        let glue = "const i = {\n        __wbg_a_2: function(a) { __wbg_a_2(); },\n        \
                    __wbg_b_1: function() {},\n    };";
        let (module, glue) = shorten(&bytes, glue).unwrap();
        assert_eq!(
            glue,
            "const i = {\n        \"a\": function(a) { __wbg_a_2(); },\n        \
             \"b\": function() {},\n    };"
        );
        let module = Module::parse(&module).unwrap();
        let names: Vec<&str> = module.imports.iter().map(|import| import.name).collect();
        assert_eq!(names, ["b", "a", "__wbg_a_2"]);
    }
}

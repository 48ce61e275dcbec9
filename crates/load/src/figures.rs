//! All that was measured, run by run: a JSON file, and a page that is written from it.
//!
//! A run changes its own part of the file. Of the page what stands between the marks is the tool's; the rest is
//! written by people, and kept.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
    fs, io,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    gates::Gates,
    held::Held,
    report::{BARS, Report},
    scale::Scale,
    size::Size,
};

const BEGIN: &str = "<!-- from here on written by lanyard-load -->";
const END: &str = "<!-- until here -->";

/// What was measured last, by store where there are two.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Figures {
    pub(crate) flows: BTreeMap<String, Report>,
    pub(crate) peers: BTreeMap<String, Report>,
    pub(crate) scale: BTreeMap<String, Scale>,
    pub(crate) held: BTreeMap<String, Held>,
    pub(crate) size: Option<Size>,
}

/// Changes what is kept beside a page, and writes the page anew.
pub(crate) fn keep(page: &Path, change: impl FnOnce(&mut Figures)) -> Result<(), Failure> {
    let file = page.with_extension("json");
    let mut figures = match fs::read(&file) {
        Ok(kept) => serde_json::from_slice(&kept)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Figures::default(),
        Err(error) => return Err(error.into()),
    };
    change(&mut figures);
    let text = fs::read_to_string(page)?;
    let written = between(&text, &figures.text()).ok_or(Failure::NoMarks)?;
    fs::write(&file, serde_json::to_vec_pretty(&figures)?)?;
    Ok(fs::write(page, written)?)
}

/// The page with something else between its marks.
fn between(page: &str, figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

impl Figures {
    fn text(&self) -> String {
        let mut text = String::new();
        for (store, report) in &self.flows {
            section(&mut text, &format!("Every flow, on {store}"), report.table());
        }
        if !self.flows.is_empty() {
            let _ = writeln!(text, "\n{BARS}");
        }
        for (store, report) in &self.peers {
            let title = format!("Beside servers in JavaScript, on {store}");
            section(&mut text, &title, report.table());
            let _ = writeln!(text, "\n{}", Gates::of(&report.flows).table());
        }
        for (store, scale) in &self.scale {
            section(&mut text, &format!("From few to many, on {store}"), scale.table());
        }
        for (store, held) in &self.held {
            section(&mut text, &format!("Loads held, on {store}"), held.table());
        }
        if let Some(size) = &self.size {
            section(&mut text, "The binary", size);
        }
        text.trim_end().to_owned()
    }
}

fn section(text: &mut String, title: &str, content: impl Display) {
    let _ = writeln!(text, "\n### {title}\n\n{content}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_around_the_marks_is_kept() {
        let page = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let written = between(&page, "new").unwrap();
        assert_eq!(written, format!("above\n{BEGIN}\nnew\n{END}\nbelow\n"));
        assert_eq!(between(&written, "new").unwrap(), written);
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        fs::write(&page, "by hand").unwrap();
        assert!(matches!(keep(&page, |_| {}), Err(Failure::NoMarks)));
        assert_eq!(fs::read_to_string(&page).unwrap(), "by hand");
        assert!(!page.with_extension("json").exists());
    }
}

//! Pages as a browser receives them.

use super::samples::every_page;

#[test]
fn no_page_holds_an_inline_script_an_inline_style_or_a_third_party() {
    for (name, page) in every_page() {
        assert!(!page.contains("style="), "{name}: the policy blocks style attributes");
        assert!(!page.contains("<style"), "{name}: the policy blocks inline styles");
        assert!(!page.contains(" onclick=") && !page.contains("javascript:"), "{name}");
        for script in page.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{name}: only our own scripts");
        }
        assert!(!page.contains("src=\"http") && !page.contains("src=\"//"), "{name}");
    }
}

#[test]
fn every_input_that_a_person_fills_in_has_a_label() {
    for (name, page) in every_page() {
        for input in page.split("<input ").skip(1).chain(page.split("<textarea ").skip(1)) {
            let input = input.split('>').next().expect("an element ends");
            let hidden = input.contains("type=\"hidden\"");
            let wrapped = input.contains("type=\"checkbox\"") || input.contains("type=\"radio\"");
            if hidden || wrapped {
                continue;
            }
            let id = input.split("id=\"").nth(1).and_then(|rest| rest.split('"').next());
            assert!(id.is_some(), "{name}: {input} has no id");
            let id = id.expect("it was just looked at");
            assert!(page.contains(&format!("for=\"{id}\"")), "{name}: nothing labels {id}");
        }
    }
}

#[test]
fn pages_can_be_written_out_for_a_look() {
    let pages = every_page();
    if let Ok(folder) = std::env::var("LANYARD_PAGES_OUT") {
        for (name, page) in &pages {
            std::fs::write(format!("{folder}/{name}.html"), page).expect("the folder is there");
        }
    }
    assert!(pages.iter().all(|(_, page)| page.contains("<h1>")), "each page has one heading");
}

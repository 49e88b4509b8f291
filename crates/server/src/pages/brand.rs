//! What an app's pages look like: our style in the app's colour, and its logo. A colour is part of its style's name, so
//! that nothing is kept of it.

use countersign_domain::color::Color;

use super::assets;

/// What a style in an app's colour is called: `brand-14548c.<digest of our style>.css`.
const PREFIX: &str = "brand-";
/// What is behind texts of the pages, in light and in dark: the harder one to be read on of each.
const LIGHT: Color = Color::new(0xf6, 0xf6, 0xf3);
const DARK: Color = Color::new(0x1f, 0x22, 0x25);

/// The path of our style in this colour.
pub(super) fn path(accent: Color) -> String {
    let (_, own) = assets::style();
    format!("{}{PREFIX}{}.{own}.css", assets::FOLDER, accent.to_string().trim_start_matches('#'))
}

/// The style of a name; none for another version's, or for what names no colour.
pub(super) fn style(name: &str) -> Option<String> {
    let (color, rest) = name.strip_prefix(PREFIX)?.split_once('.')?;
    let (text, own) = assets::style();
    if rest.strip_suffix(".css") != Some(own) || color.bytes().any(|digit| digit.is_ascii_uppercase()) {
        return None;
    }
    Some(format!("{text}{}", rule(format!("#{color}").parse().ok()?)))
}

/// The colour as texts in it can be read in light and in dark, and what is written on it. Buttons have it as it is.
fn rule(accent: Color) -> String {
    let light = accent.readable_on(LIGHT, Color::BLACK);
    let dark = accent.readable_on(DARK, Color::WHITE);
    let (on_light, on_dark, ink) = (light.ink(), dark.ink(), accent.ink());
    format!(
        ":root {{ --accent: light-dark({light}, {dark}); --on-accent: light-dark({on_light}, {on_dark}); \
         --fill: {accent}; --on-fill: {ink}; }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apps_colour_is_read_in_light_and_in_dark() {
        let yellow: Color = "#ffdd00".parse().unwrap();
        let path = path(yellow);
        let name = path.strip_prefix(assets::FOLDER).unwrap();
        let style = style(name).unwrap();
        assert!(
            style.ends_with(
                "--on-accent: light-dark(#ffffff, #000000); --fill: #ffdd00; --on-fill: #000000; }\n"
            ),
            "{}",
            &style[style.len() - 120..]
        );
        assert!(style.contains("#ffdd00); --on-accent"), "in dark it is as it is");
    }

    #[test]
    fn only_styles_of_this_version_are_there() {
        let good = path(Color::BLACK);
        let good = good.strip_prefix(assets::FOLDER).unwrap();
        assert!(style(good).is_some());
        let of_another = format!("brand-000000.{}.css", "0".repeat(16));
        for wrong in [
            of_another.as_str(),
            "brand-000.css",
            "brand-",
            "",
            "style.css",
            "brand-00000g.css",
            &good.replace("000000", "00000A"),
            &good.replace(".css", ".js"),
            &good.replace("000000", "}*{a:b"),
        ] {
            assert!(style(wrong).is_none(), "{wrong}");
        }
    }
}

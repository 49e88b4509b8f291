//! Colours of an app's pages, and whether people can read what is written in them (WCAG 2.2, 1.4.3). It draws nothing.

use std::{fmt, str::FromStr};

/// A colour of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// A text that is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a colour such as #14548c")]
pub struct ColorError;

/// The least contrast of a text with what is behind it, at which people of low vision can read it (WCAG 2.2, 1.4.3).
pub const LEAST_CONTRAST: f64 = 4.5;
/// In how many steps a colour becomes another.
const STEPS: u16 = 64;

impl Color {
    /// White.
    pub const WHITE: Self = Self([255; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// Of red, green and blue, each from 0 to 255.
    #[must_use]
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// How bright it is, from 0 to 1 (WCAG 2.2, relative luminance).
    #[must_use]
    pub fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// How far it stands out from another: from 1, not at all, to 21 (WCAG 2.2, contrast ratio).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The nearest to it, on the way to `end`, that can be read on `ground`; the end where nothing nearer can.
    #[must_use]
    pub fn readable_on(self, ground: Self, end: Self) -> Self {
        let on_the_way = (0..STEPS).map(|step| self.mixed(end, step));
        on_the_way.into_iter().find(|color| color.contrast(ground) >= LEAST_CONTRAST).unwrap_or(end)
    }

    /// Black or white: whichever is read better on it. One of both always reaches [`LEAST_CONTRAST`].
    #[must_use]
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    fn mixed(self, end: Self, step: u16) -> Self {
        let mut mixed = self.0;
        for (part, end) in mixed.iter_mut().zip(end.0) {
            let sum = u16::from(*part) * (STEPS - step) + u16::from(end) * step;
            *part = u8::try_from(sum / STEPS).unwrap_or(end);
        }
        Self(mixed)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Color {
    type Err = ColorError;

    /// Reads `#rrggbb`, in hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, ColorError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(ColorError)?;
        let number = |part: &[u8]| {
            let part =
                std::str::from_utf8(part).ok().filter(|part| part.bytes().all(|one| one.is_ascii_hexdigit()));
            part.and_then(|part| u8::from_str_radix(part, 16).ok())
        };
        let mut color = [0; 3];
        for (part, digits) in color.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *part = number(digits).ok_or(ColorError)?;
        }
        Ok(Self(color))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contrasts_are_those_of_the_guidelines() {
        for (one, two, expected) in [
            ("#000000", "#ffffff", 21.0),
            ("#777777", "#ffffff", 4.48),
            ("#0000ff", "#ffffff", 8.59),
            ("#ffff00", "#ffffff", 1.07),
        ] {
            let (one, two): (Color, Color) = (one.parse().unwrap(), two.parse().unwrap());
            assert!((one.contrast(two) - expected).abs() < 0.01, "{one} {two} {}", one.contrast(two));
        }
    }

    #[test]
    fn only_six_digits_are_a_colour() {
        for wrong in ["", "#", "#fff", "14548c", "#14548", "#14548c0", "#14548g", "#+1548c", "#é548c", "red"]
        {
            assert_eq!(wrong.parse::<Color>(), Err(ColorError), "{wrong}");
        }
        assert_eq!("#14548C".parse::<Color>().unwrap().to_string(), "#14548c");
    }

    proptest! {
        #[test]
        fn every_colour_becomes_one_that_can_be_read(red: u8, green: u8, blue: u8) {
            let color = Color::new(red, green, blue);
            prop_assert_eq!(color.to_string().parse(), Ok(color));
            prop_assert!(color.contrast(color.ink()) >= LEAST_CONTRAST);
            for (ground, end) in [(Color::WHITE, Color::BLACK), (Color::BLACK, Color::WHITE)] {
                let found = color.readable_on(ground, end);
                prop_assert!(found.contrast(ground) >= LEAST_CONTRAST);
                prop_assert!(color.contrast(ground) < LEAST_CONTRAST || found == color, "nothing changes without need");
            }
        }
    }
}

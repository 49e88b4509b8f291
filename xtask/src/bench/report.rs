//! Figures with what they should be, as a table and as JSON. It does not know how they were measured.
#![expect(clippy::print_stdout, reason = "the table is what the command is for")]

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Only to be read beside others.
    None,
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Target {
    fn is_met(self, figure: f64) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtLeast(bound) => Some(figure >= bound),
            Self::AtMost(bound) => Some(figure <= bound),
        }
    }

    fn text(self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtLeast(bound) => format!(">= {bound}"),
            Self::AtMost(bound) => format!("<= {bound}"),
        }
    }
}

/// All figures of a run, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(String, f64, &'static str, Target)>,
}

impl Report {
    /// Adds a figure and prints it.
    pub(crate) fn add(&mut self, name: &str, figure: f64, unit: &'static str, target: Target) {
        let mark = match target.is_met(figure) {
            None => "",
            Some(true) => "ok",
            Some(false) => "MISSED",
        };
        println!("| {name:<66} | {:>10} {unit:<8} | {:>9} | {mark:<6} |", digits(figure), target.text());
        self.rows.push((name.to_owned(), figure, unit, target));
    }

    /// Begins a part of the table.
    pub(crate) fn part(&mut self, title: &str) {
        println!("\n{title}\n| {:<66} | {:>19} | {:>9} | {:<6} |", "", "figure", "target", "");
        println!("|:{0:-<66}-|-{0:-<19}:|-{0:-<9}:|-{0:-<6}-|", "");
    }

    /// Writes everything as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, machine: &str, path: &Path) -> anyhow::Result<()> {
        let row = |(name, figure, unit, target): &(String, f64, &str, Target)| -> Value {
            json!({"name": name, "figure": figure, "unit": unit, "target": target.text(), "met": target.is_met(*figure)})
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let json = json!({"machine": machine, "figures": rows});
        fs::write(path, serde_json::to_string_pretty(&json)?)?;
        println!("\nAs JSON: {}", path.display());
        Ok(())
    }
}

fn digits(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.3}"),
    }
}

/// The middle one of several figures.
pub(crate) fn median(figures: &[f64]) -> f64 {
    percentile(figures, 0.5)
}

/// The figure that the share `part` of all are not above.
pub(crate) fn percentile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (part * sorted.len() as f64) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Times in microseconds.
pub(crate) fn micros(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e6).collect()
}

/// The machine in one line.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let memory = read("/proc/meminfo");
    let kib: f64 =
        memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
    let load = read("/proc/loadavg");
    format!(
        "{}, {cores} cores, {:.0} GiB, Linux {}, load {} before the run",
        model.trim_start_matches([' ', '\t', ':']),
        kib / 1024.0 / 1024.0,
        read("/proc/sys/kernel/osrelease").trim(),
        load.split_whitespace().next().unwrap_or_default()
    )
}

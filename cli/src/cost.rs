//! What a command cost: `--stats` and `--profile`.

use holos_lang::eval::Stats;
use holos_lang::syntax;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Phases, counters and the profile of a command.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    pub(crate) stats: bool,
    pub(crate) profile: Option<PathBuf>,
    phases: Vec<(&'static str, Duration)>,
    counts: Stats,
    /// Folded stacks.
    pub(crate) folded: String,
}

impl Cost {
    /// Adds the time since `start` to a phase.
    pub(crate) fn add(&mut self, phase: &'static str, start: Instant) {
        self.spent(phase, start.elapsed());
    }

    /// Adds time to a phase.
    pub(crate) fn spent(&mut self, phase: &'static str, took: Duration) {
        match self.phases.iter_mut().find(|(name, _)| *name == phase) {
            Some((_, sum)) => *sum += took,
            None => self.phases.push((phase, took)),
        }
    }

    pub(crate) fn count(&mut self, stats: Stats) {
        self.counts.add(stats);
    }

    /// The share of tokens in the time to parse: the texts are divided into tokens once more, by themselves.
    pub(crate) fn split_tokens<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let start = Instant::now();
        for text in texts {
            syntax::count_tokens(text);
        }
        let took = start.elapsed();
        if let Some((_, parse)) = self.phases.iter_mut().find(|(name, _)| *name == "parse") {
            *parse = parse.saturating_sub(took);
            self.phases.insert(0, ("lex", took));
        }
    }

    /// What `--stats` prints.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for (name, took) in &self.phases {
            _ = writeln!(out, "{name:<18}{:>12.3} ms", took.as_secs_f64() * 1e3);
        }
        for (name, count) in [
            ("nodes", self.counts.nodes),
            ("conjuncts", self.counts.conjuncts),
            ("tasks", self.counts.tasks),
            ("disjuncts tried", self.counts.disjuncts_tried),
            ("disjuncts pruned", self.counts.disjuncts_pruned),
        ] {
            _ = writeln!(out, "{name:<18}{count:>12}");
        }
        if let Some(kilobytes) = peak() {
            let megabytes = kilobytes as f64 / 1024.0;
            _ = writeln!(out, "{:<18}{megabytes:>12.1} MB", "peak memory");
        }
        out
    }
}

/// The most memory this process has had, in kilobytes, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

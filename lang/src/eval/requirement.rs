//! Which requirements of closedness a field meets, judged from the groups that touched it.
//!
//! A group lies in those that lead to it, by its parents and by the further edges that hold at a node. Up to 64
//! requirements are a set of bits; of more, those that a field meets for the same reason are counted.

use super::machine::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// Up to so many requirements are a set of bits.
pub(super) const SET: usize = 64;

/// The groups that touched a field, each with the embedding it came through.
pub(super) type Touched = SmallVec<[(u32, u32); 4]>;

/// Where the requirements at hand stand, by the group of each: a table of all groups, written anew for each use.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    turn: u32,
    of: Vec<(u32, u32)>,
}

impl Marks {
    fn start(&mut self, groups: usize, ids: impl Iterator<Item = u32>) {
        if self.turn == u32::MAX {
            self.of.clear();
            self.turn = 0;
        }
        self.turn += 1;
        if self.of.len() < groups {
            self.of.resize(groups, (0, 0));
        }
        for (position, id) in (0..).zip(ids) {
            self.of[id as usize] = (self.turn, position);
        }
    }

    #[inline]
    fn position(&self, id: u32) -> Option<usize> {
        match self.of.get(id as usize) {
            Some(&(turn, position)) if turn == self.turn && id != 0 => Some(position as usize),
            _ => None,
        }
    }
}

/// The requirements that are in force, and those they refer to.
pub(super) fn relevant(
    marks: &mut Marks,
    groups: usize,
    all: &[Required],
) -> SmallVec<[Required; 16]> {
    marks.start(groups, all.iter().map(|r| r.id));
    let mut named: SmallVec<[u64; 2]> = SmallVec::from_elem(0, all.len() / 64 + 1);
    let mut name = |id: u32| {
        let position = marks.position(id);
        if let Some(position) = position {
            named[position / 64] |= 1 << (position % 64);
        }
        position
    };
    for r in all.iter().filter(|r| r.is_in_force()) {
        name(r.id);
        name(r.outer);
        if let Some(embed) = name(r.embed) {
            name(all[embed].outer);
        }
    }
    let mut out = SmallVec::new();
    for (index, r) in all.iter().enumerate() {
        if named[index / 64] & (1 << (index % 64)) != 0 {
            out.push(*r);
        }
    }
    out
}

/// How many of the groups that were asked for last a [`Memo`] looks through.
const RECENT: usize = 8;
/// How many kinds of evidence are remembered to be enough.
const MOST_ALLOWED: usize = 16;
/// The way from a group to the requirements is remembered for good where it has more steps than this.
const LONG: usize = 64;

/// What groups lie in, under the same edges and requirements. Good for as long as no other set of requirements is marked.
#[derive(Default)]
pub(super) struct Memo {
    /// The smallest group of a requirement, and the end of an edge: parents of groups are smaller than they are.
    least: u32,
    edges: Edges,
    /// A bit for the end of each edge, by its low bits: most groups are none of them.
    ends: u64,
    least_end: u32,
    /// Of the groups asked for last, what they lie in: one takes the place of another.
    recent: [(u32, u64); RECENT],
    turn: usize,
    /// Of those that it takes long to find out for.
    far: FxHashMap<u32, u64>,
    /// What fields that are allowed were touched by.
    allowed: SmallVec<[Touched; 4]>,
    /// In place of all this, where there are more requirements than bits.
    many: Option<Box<Many>>,
}

/// One of 64 bits for an id.
fn low_bit(id: u32) -> u64 {
    1 << (id % 64)
}

impl Memo {
    pub(super) fn new(marks: &mut Marks, groups: usize, required: &[Required]) -> Memo {
        let mut memo = Memo::of_groups(marks, groups, required.iter().map(|r| r.id));
        if required.len() > SET {
            memo.many = Some(Box::new(Many::new(marks, required)));
        }
        memo
    }

    /// For requirements by their groups, where bits are enough for them.
    pub(super) fn of_groups(
        marks: &mut Marks,
        groups: usize,
        ids: impl Iterator<Item = u32> + Clone,
    ) -> Memo {
        marks.start(groups, ids.clone());
        Memo {
            least: ids.min().unwrap_or(0),
            least_end: u32::MAX,
            ..Memo::default()
        }
    }

    pub(super) fn set_edges(&mut self, edges: Edges) {
        self.ends = edges.iter().fold(0, |mask, &(_, to)| mask | low_bit(to));
        self.least_end = edges.iter().map(|&(_, to)| to).min().unwrap_or(u32::MAX);
        self.edges = edges;
        self.recent = Default::default();
        self.far.clear();
        self.allowed.clear();
    }

    /// Whether a field with this evidence meets all requirements.
    pub(super) fn are_met(
        &mut self,
        parents: &[u32],
        marks: &Marks,
        edges: Edges,
        required: &[Required],
        groups: Touched,
    ) -> bool {
        if let Some(many) = &mut self.many {
            if !many.edges.is_same(&edges) {
                many.set_edges(edges);
            }
            return many.are_met(parents, marks, required, &groups);
        }
        if !self.edges.is_same(&edges) {
            self.set_edges(edges);
        }
        if self.allowed.contains(&groups) {
            return true;
        }
        // For each group that touched the field, the requirements it and its embedding lie in.
        let mut evidence: SmallVec<[(u64, u64); 8]> = SmallVec::new();
        for &(id, embed) in &groups {
            let own = self.lies_in(parents, marks, id);
            evidence.push((own, self.lies_in(parents, marks, embed)));
        }
        let allowed = required.iter().enumerate().all(|(index, r)| {
            if !r.is_in_force() || evidence.iter().any(|(own, _)| own & (1 << index) != 0) {
                return true;
            }
            let Some(embed) = marks.position(r.embed) else {
                return false;
            };
            let mut foreign = evidence
                .iter()
                .filter(|(_, embeds)| embeds & (1 << embed) == 0);
            if r.outer == 0 {
                if r.conjunction_opened {
                    return evidence
                        .iter()
                        .all(|(_, embeds)| embeds & (1 << embed) == 0);
                }
                let outer = required[embed].outer;
                let dangling = outer != 0 && marks.position(outer).is_none();
                return !dangling && foreign.next().is_some();
            }
            match marks.position(r.outer) {
                None => foreign.next().is_some(),
                Some(outer) => {
                    foreign.any(|(own, _)| required[outer].removed || own & (1 << outer) != 0)
                }
            }
        });
        if allowed && self.allowed.len() < MOST_ALLOWED {
            self.allowed.push(groups);
        }
        allowed
    }

    /// The requirements, as bits, that a group lies in.
    pub(super) fn lies_in(&mut self, parents: &[u32], marks: &Marks, group: u32) -> u64 {
        if group == 0 {
            return 0;
        }
        if let Some(&(_, mask)) = self.recent.iter().find(|(id, _)| *id == group) {
            return mask;
        }
        if !self.far.is_empty()
            && let Some(&mask) = self.far.get(&group)
        {
            return mask;
        }
        let mut steps = 0;
        let floor = self.least.min(self.least_end);
        let mut mask = 0;
        let mut at = group;
        let mut work: SmallVec<[u32; 8]> = SmallVec::new();
        let mut taken: SmallVec<[u32; 8]> = SmallVec::new();
        loop {
            while at != 0 && at >= floor {
                if let Some(position) = marks.position(at) {
                    mask |= 1 << position;
                }
                if self.ends & low_bit(at) != 0 && !taken.contains(&at) {
                    let into = self.edges.iter().filter(|(_, to)| *to == at);
                    let before = work.len();
                    work.extend(into.map(|(from, _)| *from));
                    if work.len() > before {
                        taken.push(at);
                    }
                }
                at = parents[at as usize];
                steps += 1;
            }
            match work.pop() {
                Some(next) => at = next,
                None => break,
            }
        }
        if steps > LONG {
            self.far.insert(group, mask);
        } else {
            self.recent[self.turn % RECENT] = (group, mask);
            self.turn += 1;
        }
        mask
    }
}

/// Many requirements, by what decides about them: most are met by a field for the same reason, and are counted.
#[derive(Default)]
struct Many {
    /// Those in force, by the embedding they came through.
    by_embed: FxHashMap<usize, Vec<usize>>,
    /// How many of those in force a field that did not come through their embedding meets for the same reason.
    by_reason: FxHashMap<Reason, usize>,
    edges: Edges,
    sources: FxHashMap<u32, SmallVec<[u32; 2]>>,
    known: FxHashMap<u32, SmallVec<[usize; 4]>>,
}

/// Why a field that did not come through a requirement's embedding meets the requirement, if it does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reason {
    /// Any such field does, even one that nothing touched.
    Apart,
    /// Any such field does.
    Foreign,
    /// One of which some conjunct lies in the requirement at this place.
    In(usize),
    /// None does.
    Never,
}

impl Reason {
    fn of(marks: &Marks, required: &[Required], r: &Required) -> Reason {
        let Some(embed) = marks.position(r.embed) else {
            return Reason::Never;
        };
        if r.outer == 0 {
            let outer = required[embed].outer;
            let dangling = outer != 0 && marks.position(outer).is_none();
            return match (r.conjunction_opened, dangling) {
                (true, _) => Reason::Apart,
                (false, true) => Reason::Never,
                (false, false) => Reason::Foreign,
            };
        }
        match marks.position(r.outer) {
            Some(outer) if !required[outer].removed => Reason::In(outer),
            _ => Reason::Foreign,
        }
    }
}

impl Many {
    fn new(marks: &Marks, required: &[Required]) -> Many {
        let mut many = Many::default();
        for (index, r) in required.iter().enumerate() {
            if !r.is_in_force() {
                continue;
            }
            let reason = Reason::of(marks, required, r);
            *many.by_reason.entry(reason).or_default() += 1;
            if let Some(embed) = marks.position(r.embed) {
                many.by_embed.entry(embed).or_default().push(index);
            }
        }
        many
    }

    fn set_edges(&mut self, edges: Edges) {
        self.sources.clear();
        for &(from, to) in edges.iter() {
            self.sources.entry(to).or_default().push(from);
        }
        self.edges = edges;
        self.known.clear();
    }

    /// The requirements that a group lies in.
    fn lies_in(&mut self, parents: &[u32], marks: &Marks, group: u32) -> SmallVec<[usize; 4]> {
        if group == 0 {
            return SmallVec::new();
        }
        if let Some(known) = self.known.get(&group) {
            return known.clone();
        }
        let mut out = SmallVec::new();
        let mut seen = FxHashSet::default();
        let mut work = vec![group];
        while let Some(mut at) = work.pop() {
            while at != 0 && seen.insert(at) {
                out.extend(marks.position(at));
                if let Some(sources) = self.sources.get(&at) {
                    work.extend_from_slice(sources);
                }
                at = parents[at as usize];
            }
        }
        self.known.insert(group, out.clone());
        out
    }

    /// Whether a field with this evidence meets them all.
    fn are_met(
        &mut self,
        parents: &[u32],
        marks: &Marks,
        required: &[Required],
        evidence: &Touched,
    ) -> bool {
        // For each group that touched the field, the requirements it and its embedding lie in.
        let evidence: SmallVec<[_; 4]> = evidence
            .iter()
            .map(|&(id, embed)| {
                (
                    self.lies_in(parents, marks, id),
                    self.lies_in(parents, marks, embed),
                )
            })
            .collect();
        let is_touched = |index: usize| evidence.iter().any(|(own, _)| own.contains(&index));
        // Those through whose embedding some of the evidence came are looked at one by one.
        let mut embeds: SmallVec<[usize; 8]> = SmallVec::new();
        let mut touched: SmallVec<[usize; 8]> = SmallVec::new();
        for (own, through) in &evidence {
            embeds.extend_from_slice(through);
            touched.extend_from_slice(own);
        }
        embeds.sort_unstable();
        embeds.dedup();
        touched.sort_unstable();
        touched.dedup();
        let mut left = self.by_reason.clone();
        for &embed in &embeds {
            for &index in self.by_embed.get(&embed).into_iter().flatten() {
                let r = &required[index];
                let reason = Reason::of(marks, required, r);
                *left.entry(reason).or_default() -= 1;
                if is_touched(index) {
                    continue;
                }
                let mut foreign = evidence
                    .iter()
                    .filter(|(_, through)| !through.contains(&embed));
                let met = match reason {
                    Reason::Foreign => foreign.next().is_some(),
                    Reason::In(outer) => foreign.any(|(own, _)| own.contains(&outer)),
                    Reason::Apart | Reason::Never => false,
                };
                if !met {
                    return false;
                }
            }
        }
        for &index in &touched {
            let r = &required[index];
            let through = marks
                .position(r.embed)
                .is_some_and(|embed| embeds.contains(&embed));
            if r.is_in_force() && !through {
                *left.entry(Reason::of(marks, required, r)).or_default() -= 1;
            }
        }
        left.into_iter().all(|(reason, count)| {
            count == 0
                || match reason {
                    Reason::Apart => true,
                    Reason::Foreign => !evidence.is_empty(),
                    Reason::In(outer) => is_touched(outer),
                    Reason::Never => false,
                }
        })
    }
}

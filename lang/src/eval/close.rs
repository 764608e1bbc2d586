//! Closedness, as provenance: which use of a definition requires which labels.
//!
//! Each use of a definition, each embedding and each literal with embeddings is a *group*; a conjunct
//! belongs to the group it came through. A use of a definition poses a requirement: every regular field of the
//! node needs a conjunct that came from that use (specification, "Closedness"). The check runs once a
//! node's fields are all known.

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use super::requirement::{Memo, SET, Touched, relevant};
use crate::diagnostic::Place;
use crate::resolve::program::*;
use smallvec::SmallVec;

impl Machine<'_> {
    fn new_group(&mut self) -> u32 {
        self.groups.push(0);
        (self.groups.len() - 1) as u32
    }

    /// `to` lies in `from`: as its parent, or as a further edge where it has one already.
    pub(super) fn add_replacement(&mut self, node: Node, from: u32, to: u32) {
        if from == 0 || from == to {
            return;
        }
        if from < to && self.groups[to as usize] == 0 {
            self.groups[to as usize] = from;
            return;
        }
        let state = self.s_mut(node);
        state.required_by = NIL;
        state.replacements.push((from, to));
    }

    pub(super) fn add_evidence(&mut self, node: Node, info: Info, flags: u8) {
        let state = self.s_mut(node);
        if let Some(known) = state.evidence_of(info.group) {
            let new = flags & !known.flags;
            known.flags |= flags;
            state.evidence_flags |= flags;
            if new & Evidence::ELLIPSIS != 0 {
                state.ellipses.push(info.group);
            }
            return;
        }
        state.add_evidence(Evidence {
            id: info.group,
            embed: info.embed,
            flags,
        });
    }

    /// A group for an embedding, or for a literal that embeds.
    pub(super) fn new_requirement(&mut self, node: Node, mut info: Info, kind: GroupKind) -> Info {
        let id = self.new_group();
        self.add_replacement(node, info.group, id);
        let outer = info.group;
        info.group = id;
        match kind {
            GroupKind::Embedding => info.embed = id,
            _ => info.outer = id,
        }
        let requirement = Requirement {
            target: NIL,
            id,
            outer,
            embed: info.embed,
            ignore: true,
            kind,
            recursive: info.has(Info::FROM_DEF),
            conjunction_opened: false,
        };
        self.s_mut(node).requirements.push(requirement);
        info
    }

    /// A group for a use of `target`; it requires evidence unless `ignore`d or merely embedded.
    pub(super) fn add_resolver(
        &mut self,
        node: Node,
        target: Node,
        mut info: Info,
        force_ignore: bool,
    ) -> Info {
        let data = *self.n(target);
        let recursive = data.has(NodeData::CLOSED_RECURSIVE);
        let opened = info.has(Info::OPENED) || info.has(Info::CONJUNCTION_OPENED);
        if info.has(Info::FROM_DEF) && info.has(Info::FROM_EMBED) && !opened && !force_ignore {
            self.s_mut(node).require_around(info.outer, recursive);
            self.s_mut(node).required_by = NIL;
        }
        let ignore = if force_ignore || info.has(Info::OPENED) {
            true
        } else if info.embed != 0 || info.outer == 0 {
            !(info.has(Info::FROM_DEF) || data.has(NodeData::CLOSED_ONCE) || recursive)
        } else {
            info.has(Info::FROM_EMBED)
        };
        let mut id = 0;
        let conjunction_opened = info.has(Info::CONJUNCTION_OPENED);
        if let Some(at) = self.s_mut(node).requirement_for(target) {
            let requirement = &mut self.s_mut(node).requirements[at];
            id = requirement.id;
            if requirement.ignore && !ignore {
                requirement.ignore = false;
                requirement.outer = info.outer;
                requirement.embed = info.embed;
                requirement.conjunction_opened = conjunction_opened;
            }
        }
        if id == 0 || info.embed != 0 {
            let next = self.new_group();
            if id != 0 {
                self.add_replacement(node, next, id);
            }
            id = next;
            let requirement = Requirement {
                target,
                id,
                outer: info.outer,
                embed: info.embed,
                ignore,
                kind: GroupKind::Reference,
                recursive,
                conjunction_opened,
            };
            self.s_mut(node).requirements.push(requirement);
        }
        self.s_mut(node).required_by = NIL;
        let from = info.group;
        info.group = id;
        self.add_replacement(node, from, id);
        info
    }

    /// Whether the node requires nothing of its fields.
    pub(super) fn closes_nothing(&mut self, node: Node) -> bool {
        let holder = self.required(node);
        let required = &self.s(holder).required;
        !required.iter().any(Required::is_in_force)
    }

    /// Whether so much is required of the node's fields that they are better judged all at once.
    pub(super) fn requires_much(&mut self, node: Node) -> bool {
        let holder = self.required(node);
        self.s(holder).required.len() > SET
    }

    /// Refuses fields that some requirement of the node has no evidence for.
    pub(super) fn check_closed(&mut self, node: Node) {
        let error = self.refused_fields(node, false, None);
        if error != NIL {
            self.add_child_error(self.deref(node), error);
        }
    }

    /// Whether the node refuses one of its fields, which is finished.
    pub(super) fn refuses(&mut self, node: Node, field: Label) -> bool {
        !self.closes_nothing(node) && self.refused_fields(node, false, Some(field)) != NIL
    }

    /// Whether an arm has a field that it refuses, judged as soon as its fields are known and before any of them is
    /// evaluated: arms of tagged unions fall here, and what they share is not evaluated for each of them. An arm of
    /// which more is still to come, or of which the error is to be said whole, is not judged early.
    pub(super) fn is_refused_early(&mut self, node: Node) -> bool {
        if self.explaining || !self.n(node).has(NodeData::DISJUNCT) || self.s(node).has_disjunction
        {
            return false;
        }
        let error = self.refused_fields(node, true, None);
        if error != NIL {
            self.refused_early = true;
            self.add_child_error(node, error);
        }
        error != NIL
    }

    /// The error of the fields of a node that some requirement has no evidence for; with `early` also of those that
    /// were not evaluated yet, with `only` of one field.
    fn refused_fields(&mut self, node: Node, early: bool, only: Option<Label>) -> ErrId {
        let node = self.deref(node);
        if self.n(node).arc_count == 0 || !self.has_state(node) {
            return NIL;
        }
        if let Some(error) = self.bottom_of(node)
            && !self.errors[error as usize].not_allowed
        {
            return NIL;
        }
        let holder = self.required(node);
        let required = &self.s(holder).required;
        let active: SmallVec<[u32; 16]> = required
            .iter()
            .filter(|r| r.is_in_force())
            .map(|r| r.id)
            .collect();
        if active.is_empty() || self.is_evident_by_parents(node, &active, early) {
            return NIL;
        }
        let edges = self.edges(node);
        if !edges.is_empty() && self.is_evident(node, &active, edges, early) {
            return NIL;
        }
        let required = &self.states[self.nodes[holder as usize].state as usize].required;
        let base = relevant(&mut self.marks, self.groups.len(), required);
        let opens = !self.s(node).ellipses.is_empty();
        let mut errors = Vec::new();
        let mut memo = Memo::new(&mut self.marks, self.groups.len(), &base);
        let fields = match only {
            None => self.arc_vec(node),
            Some(label) => SmallVec::from_iter(self.find_arc(node, label).map(|arc| (label, arc))),
        };
        for (label, arc) in fields {
            if !label.is_regular() {
                continue;
            }
            let outer = arc;
            let arc = self.deref_disjunct(arc);
            if !self.is_judged(arc, early) {
                continue;
            }
            let (opened, mut opened_memo);
            let mut memo = &mut memo;
            let mut required = &base[..];
            if opens {
                let edges = self.edges_at(node, arc);
                let mut own = base.to_vec();
                for r in &mut own {
                    if self.parent_ellipsis(&edges, r, node) != 0 {
                        r.removed = true;
                    }
                }
                opened = own;
                required = &opened;
                if required.len() > SET {
                    opened_memo = Memo::new(&mut self.marks, self.groups.len(), required);
                    memo = &mut opened_memo;
                }
            }
            if let Some(own) = self.bottom_of(arc)
                && (!self.errors[own as usize].not_allowed || self.errors[own as usize].node != arc)
            {
                continue;
            }
            if self.evidence_for_all(node, arc, required, memo) {
                continue;
            }
            if let Some(denied) = self.not_allowed(node, outer, arc, label)
                && self.n(arc).arc_type <= ArcType::Required
            {
                errors.push(denied);
            }
        }
        self.combine_all(&errors)
    }

    /// Whether closedness is a matter of the field at all, with `early` before it is evaluated.
    fn is_judged(&self, arc: Node, early: bool) -> bool {
        if early {
            self.n(arc).arc_type <= ArcType::Required
        } else {
            self.has_state(arc) || self.n(arc).has(NodeData::LEAF)
        }
    }

    /// Whether each field has evidence for each requirement by the parents of its groups alone. That is so nearly
    /// always, and then neither edges nor openings can change anything: they only ever allow more.
    fn is_evident_by_parents(&self, node: Node, active: &[u32], early: bool) -> bool {
        if !active.is_sorted() {
            return false;
        }
        // Conjuncts of one group are in many fields.
        let (mut last, mut mask) = (0, 0);
        self.each_is_evident(node, active, early, |group| {
            if group != last {
                (last, mask) = (
                    group,
                    self.lies_in_by_parents(active.iter().copied(), group),
                );
            }
            mask
        })
    }

    /// The requirements, as bits, that a group lies in by its parents.
    pub(super) fn lies_in_by_parents(
        &self,
        active: impl DoubleEndedIterator<Item = u32> + ExactSizeIterator,
        group: u32,
    ) -> u64 {
        let mut mask = 0;
        let mut at = group;
        for (position, id) in active.enumerate().rev() {
            while at > id {
                at = self.groups[at as usize];
            }
            mask |= u64::from(at == id) << position;
        }
        mask
    }

    /// The same by some of the edges, too.
    fn is_evident(&mut self, node: Node, active: &[u32], edges: Edges, early: bool) -> bool {
        let mut memo = Memo::of_groups(&mut self.marks, self.groups.len(), active.iter().copied());
        memo.set_edges(edges);
        self.each_is_evident(node, active, early, |group| {
            memo.lies_in(&self.groups, &self.marks, group)
        })
    }

    /// Whether the groups that touched each field together lie in all that is required.
    fn each_is_evident(
        &self,
        node: Node,
        active: &[u32],
        early: bool,
        mut lies_in: impl FnMut(u32) -> u64,
    ) -> bool {
        if active.len() > SET {
            return false;
        }
        let all = u64::MAX >> (SET - active.len());
        self.arc_slice(node).iter().all(|&(label, arc)| {
            if !label.is_regular() {
                return true;
            }
            let arc = self.deref_disjunct(arc);
            if !self.is_judged(arc, early) {
                return true;
            }
            let mut mask = 0;
            let mut meets = |group: u32| {
                mask |= lies_in(group);
                mask == all
            };
            if self.has_state(arc) {
                return self.s(arc).evidence.iter().any(|e| meets(e.id));
            }
            let mut at = self.n(arc).conjuncts;
            while at != NIL {
                let c = &self.conjuncts[at as usize];
                if meets(c.info.group) {
                    return true;
                }
                at = c.next;
            }
            false
        })
    }

    fn not_allowed(&mut self, node: Node, outer: Node, arc: Node, label: Label) -> Option<ErrId> {
        let places = self.label_places(node, outer, label);
        let exprs = self.conjunct_exprs(outer).into_iter().collect();
        let error = self.push_error(Bottom {
            code: ErrorCode::Eval,
            message: Message::NotAllowed(label),
            node: arc,
            exprs,
            places,
            not_allowed: true,
            ..Bottom::default()
        });
        if self.n(arc).arc_type <= ArcType::Required {
            self.set_base(arc, Value::Bottom(error));
            if outer != arc {
                self.set_base(outer, Value::Bottom(error));
            }
        }
        Some(error)
    }

    /// Where the label of a field is written, for each of its conjuncts.
    pub(super) fn label_places(&self, node: Node, arc: Node, label: Label) -> SmallVec<[Place; 2]> {
        let mut places = SmallVec::new();
        let mut at = self.n(arc).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if let Some(place) = self.label_place(node, label, c.expr)
                && !places.contains(&place)
            {
                places.push(place);
            }
            at = c.next;
        }
        places
    }

    /// Where the label of the field with that value is written.
    pub(super) fn label_place(&self, node: Node, label: Label, value: ExprId) -> Option<Place> {
        let mut at = self.n(node).structs;
        while at != NIL {
            let info = self.structs[at as usize];
            let shape = &self.program.shapes[info.shape as usize];
            for index in shape.start..shape.start + shape.len {
                match self.program.decls[index as usize] {
                    Decl::Field {
                        label: l, value: v, ..
                    } if l == label && v == value => {
                        return Some(self.program.decl_places[index as usize]);
                    }
                    Decl::Dynamic { value: v, .. } if v == value => {
                        return Some(self.program.decl_places[index as usize]);
                    }
                    _ => {}
                }
            }
            at = info.next;
        }
        None
    }

    /// The edges that hold at a field of the node.
    fn edges_at(&mut self, node: Node, arc: Node) -> Edges {
        let holder = if self.has_state(arc) { arc } else { node };
        self.edges(holder)
    }

    /// The groups that touched a node: each with the embedding it came through.
    fn evidence_of(&self, node: Node) -> Touched {
        // Of an announced field that nobody has evaluated yet, its conjuncts are the evidence, as of a leaf.
        if self.has_state(node) && self.s(node).started {
            let state = self.s(node);
            let mut out: Touched = state.evidence.iter().map(|e| (e.id, e.embed)).collect();
            // What is still at work on it counts as well.
            for &task in &state.tasks {
                let task = &self.tasks[task as usize];
                if task.state < TaskState::Done {
                    out.push((task.info.group, task.info.embed));
                }
            }
            return out;
        }
        let mut out = SmallVec::new();
        let mut at = self.n(node).conjuncts;
        while at != NIL {
            let c = &self.conjuncts[at as usize];
            out.push((c.info.group, c.info.embed));
            at = c.next;
        }
        out
    }

    fn evidence_for_all(
        &mut self,
        node: Node,
        arc: Node,
        required: &[Required],
        memo: &mut Memo,
    ) -> bool {
        let edges = self.edges_at(node, arc);
        let groups = self.evidence_of(arc);
        memo.are_met(&self.groups, &self.marks, edges, required, groups)
    }

    /// The further edges between groups that hold at a node: its own and those of the nodes around it.
    pub(super) fn edges(&mut self, node: Node) -> Edges {
        if node == NIL || !self.has_state(node) {
            return Shared::default();
        }
        let own = self.s(node).replacements.len();
        if let Some((count, known)) = &self.s(node).edges
            && *count == own
        {
            return known.clone();
        }
        let outer = self.edges(self.n(node).parent);
        let edges = if own == 0 {
            outer
        } else {
            let mut all = self.s(node).replacements.clone();
            all.extend_from_slice(&outer);
            all.into()
        };
        self.s_mut(node).edges = Some((own, edges.clone()));
        edges
    }

    /// Whether `child` lies in `group`.
    fn contains_group(&self, edges: &[(u32, u32)], group: u32, child: u32) -> bool {
        if group == child {
            return true;
        }
        if child == 0 {
            return false;
        }
        // Most containment is that of parents; ids of parents are smaller.
        let mut at = child;
        while at > group {
            at = self.groups[at as usize];
        }
        if at == group {
            return true;
        }
        if edges.is_empty() {
            return false;
        }
        let mut seen = SmallVec::new();
        self.contains_group_by_edges(edges, group, child, &mut seen)
    }

    fn contains_group_by_edges(
        &self,
        edges: &[(u32, u32)],
        group: u32,
        child: u32,
        seen: &mut SmallVec<[u32; 16]>,
    ) -> bool {
        let mut at = child;
        while at != 0 {
            if at == group {
                return true;
            }
            if seen.contains(&at) {
                return false;
            }
            seen.push(at);
            for &(from, to) in edges {
                if to == at && self.contains_group_by_edges(edges, group, from, seen) {
                    return true;
                }
            }
            at = self.groups[at as usize];
        }
        false
    }

    /// The node whose state has the requirements that apply to a node's fields: itself, or one around it where it adds
    /// none.
    pub(super) fn required(&mut self, node: Node) -> Node {
        if let Some(known) = self.known_required(node) {
            return known;
        }
        match self.unknown_around(node) {
            None => self.collect_required(node),
            Some(around) => self.required_from(node, around),
        }
    }

    /// The node around another one of which the requirements are not known either, if they apply to that one.
    fn unknown_around(&self, node: Node) -> Option<Node> {
        let parent = self.n(node).parent;
        let unknown = parent != NIL
            && self.has_state(parent)
            && !self.s(node).drop_parent_requirements
            && self.known_required(parent).is_none();
        unknown.then_some(parent)
    }

    /// From the outermost node of which it is not known, as values nest deeper than calls may.
    fn required_from(&mut self, node: Node, around: Node) -> Node {
        let mut unknown = vec![node, around];
        let mut at = around;
        while let Some(next) = self.unknown_around(at) {
            unknown.push(next);
            at = next;
        }
        let mut found = node;
        while let Some(at) = unknown.pop() {
            found = self.collect_required(at);
        }
        found
    }

    fn known_required(&self, node: Node) -> Option<Node> {
        let known = self.s(node).required_by;
        let holds = known == node
            || known != NIL && self.has_state(known) && self.s(known).required_by == known;
        holds.then_some(known)
    }

    fn collect_required(&mut self, node: Node) -> Node {
        let parent = self.n(node).parent;
        let from_parent =
            parent != NIL && self.has_state(parent) && !self.s(node).drop_parent_requirements;
        let mut list = std::mem::take(&mut self.s_mut(node).required);
        list.clear();
        if from_parent {
            let outer = self.required(parent);
            let required = &self.s(outer).required;
            if self.adds_no_requirement(node, required) {
                let state = self.s_mut(node);
                (state.required, state.required_by) = (list, outer);
                return outer;
            }
            list.extend_from_slice(required);
        }
        for r in &mut list {
            if r.once {
                r.ignored = true;
            }
        }
        let inherited = list.len();
        let mut newest = newest_of(&list);
        for index in 0..self.s(node).requirements.len() {
            let own = self.s(node).requirements[index];
            if own.ignore && own.kind == GroupKind::Reference {
                continue;
            }
            // Groups of one node are numbered as they are made.
            if own.id <= newest && list.iter().any(|r| r.id == own.id) {
                continue;
            }
            newest = newest.max(own.id);
            let mut once = false;
            if own.kind != GroupKind::Embedding {
                once = own.target != NIL && self.n(own.target).has(NodeData::CLOSED_ONCE);
                if !own.ignore && !own.recursive {
                    once = true;
                }
            }
            list.push(Required {
                id: own.id,
                outer: own.outer,
                embed: own.embed,
                kind: own.kind,
                once,
                ignored: own.ignore,
                removed: false,
                conjunction_opened: own.conjunction_opened,
            });
            if own.outer != 0 && !own.ignore {
                let mut outer = own.outer;
                for i in (0..inherited).rev() {
                    if outer != 0 && list[i].id == outer {
                        list[i].once = if list[i].ignored {
                            !own.recursive
                        } else {
                            list[i].once && !own.recursive
                        };
                        list[i].ignored = false;
                        outer = list[i].outer;
                    }
                }
            }
        }
        if !list.is_empty() && self.is_opened(node) {
            self.filter_open(node, &mut list);
        }
        let state = self.s_mut(node);
        (state.required, state.required_by) = (list, node);
        node
    }

    /// Whether what the node requires is what the node around it does.
    fn adds_no_requirement(&self, node: Node, outer: &[Required]) -> bool {
        let own = &self.s(node).requirements;
        let newest = match own.is_empty() {
            true => 0,
            false => newest_of(outer),
        };
        let adds = |own: &Requirement| {
            let counts = !own.ignore || own.kind != GroupKind::Reference;
            counts && (own.id > newest || !outer.iter().any(|known| known.id == own.id))
        };
        !outer.iter().any(|r| r.once && !r.ignored)
            && !own.iter().any(adds)
            && (outer.is_empty() || !self.is_opened(node))
    }

    /// Whether it is a definition, a hidden field or a `let`.
    fn is_special(&self, node: Node) -> bool {
        let label = self.n(node).label;
        !label.is_regular() && label != Label::NONE
    }

    /// Whether some requirement may not apply here.
    fn is_opened(&self, node: Node) -> bool {
        let opens = |node: Node, flags: u8| self.s(node).evidence_flags & flags != 0;
        let parent = self.n(node).parent;
        self.is_special(node)
            || opens(node, Evidence::TOP | Evidence::OPEN_VALIDATOR)
            || parent != NIL && self.has_state(parent) && opens(parent, Evidence::ELLIPSIS)
    }

    /// Drops requirements that a top, an ellipsis or an open validator lifts; of a definition, a hidden field
    /// or a `let` also those that did not touch it.
    fn filter_open(&mut self, node: Node, list: &mut Vec<Required>) {
        let special = self.is_special(node);
        let parent = self.n(node).parent;
        let edges = self.edges(node);
        // For each requirement: whether evidence lies in it, what that brought, and the ellipsis of the node around it
        // that lies in it.
        let mut touched: SmallVec<[(bool, u8, u32); 16]> =
            SmallVec::from_elem((false, 0, 0), list.len());
        let opening = (parent != NIL && self.has_state(parent)).then_some(parent);
        for start in (0..list.len()).step_by(SET) {
            let part = &list[start..list.len().min(start + SET)];
            let mut memo = Memo::new(&mut self.marks, self.groups.len(), part);
            memo.set_edges(edges.clone());
            for e in &self.s(node).evidence {
                let mask = memo.lies_in(&self.groups, &self.marks, e.id);
                for (index, r) in part.iter().enumerate() {
                    if mask & (1 << index) != 0 {
                        let (any, flags, _) = &mut touched[start + index];
                        *any = true;
                        *flags |= if e.id < r.id {
                            e.flags & !Evidence::STRUCT
                        } else {
                            e.flags
                        };
                    }
                }
            }
            for &id in opening.iter().flat_map(|&node| &self.s(node).ellipses) {
                let mask = memo.lies_in(&self.groups, &self.marks, id);
                for (index, (_, _, first)) in touched[start..][..part.len()].iter_mut().enumerate()
                {
                    if *first == 0 && mask & (1 << index) != 0 {
                        *first = id;
                    }
                }
            }
        }
        let mut index = 0;
        list.retain_mut(|r| {
            let (any, flags, id) = touched[index];
            index += 1;
            if special && !any {
                return false;
            }
            if (flags & Evidence::TOP != 0 && flags & Evidence::STRUCT == 0)
                || flags & Evidence::OPEN_VALIDATOR != 0
            {
                return false;
            }
            if !(any && r.kind != GroupKind::Literal) && id != 0 {
                let evidence = &self.s(node).evidence;
                let inside = |e: &Evidence| self.contains_group(&edges, id, e.id);
                if !any || r.kind == GroupKind::Literal && !evidence.iter().any(inside) {
                    r.removed = true;
                }
            }
            true
        });
    }

    fn parent_ellipsis(&self, edges: &[(u32, u32)], r: &Required, parent: Node) -> u32 {
        let inside = |id: &&u32| self.contains_group(edges, r.id, **id);
        let ellipses = &self.s(parent).ellipses;
        ellipses.iter().find(inside).copied().unwrap_or(0)
    }
}

/// The newest group of some requirements.
fn newest_of(required: &[Required]) -> u32 {
    required.iter().map(|r| r.id).max().unwrap_or(0)
}

//! Closedness, as provenance: which use of a definition requires which labels.
//!
//! Each use of a definition, each embedding and each literal with embeddings is a *group*; a conjunct
//! belongs to the group it came through. A use of a definition poses a requirement: every regular field of the
//! node needs a conjunct that came from that use (specification, "Closedness"). The check runs once a
//! node's fields are all known.

use super::error::{Bottom, ErrorCode, Message};
use super::machine::*;
use crate::resolve::program::*;
use smallvec::SmallVec;
use std::rc::Rc;

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
        state.required = None;
        state.replacements.push((from, to));
    }

    pub(super) fn add_evidence(&mut self, node: Node, info: Info, flags: u8) {
        let evidence = &mut self.s_mut(node).evidence;
        if let Some(known) = evidence.iter_mut().find(|e| e.id == info.group) {
            known.flags |= flags;
            return;
        }
        evidence.push(Evidence {
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
            // An embedded definition closes the literals around it.
            let mut outer = info.outer;
            for requirement in self.s_mut(node).requirements.iter_mut().rev() {
                if outer != 0 && requirement.id == outer {
                    requirement.ignore = false;
                    requirement.recursive |= recursive;
                    outer = requirement.outer;
                }
            }
            self.s_mut(node).required = None;
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
        for requirement in &mut self.s_mut(node).requirements {
            if requirement.target == target {
                id = requirement.id;
                if requirement.ignore && !ignore {
                    requirement.ignore = false;
                    requirement.outer = info.outer;
                    requirement.embed = info.embed;
                    requirement.conjunction_opened = conjunction_opened;
                }
                break;
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
        self.s_mut(node).required = None;
        let from = info.group;
        info.group = id;
        self.add_replacement(node, from, id);
        info
    }

    /// Refuses fields that some requirement of the node has no evidence for.
    pub(super) fn check_closed(&mut self, node: Node) {
        let node = self.deref(node);
        if self.n(node).arc_count == 0 || !self.has_state(node) {
            return;
        }
        if let Some(error) = self.bottom_of(node)
            && !self.errors[error as usize].not_allowed
        {
            return;
        }
        let base = self.required(node);
        if base.iter().all(|r| r.ignored || r.removed) {
            return;
        }
        let opens = self
            .s(node)
            .evidence
            .iter()
            .any(|e| e.flags & Evidence::ELLIPSIS != 0);
        let mut error = NIL;
        for (label, arc) in self.arc_vec(node) {
            if !label.is_regular() {
                continue;
            }
            let outer = arc;
            let arc = self.deref_disjunct(arc);
            if !self.has_state(arc) {
                continue;
            }
            let mut required = base.clone();
            if opens {
                let edges = self.edges(arc);
                let own = Rc::make_mut(&mut required);
                for r in own {
                    if self.parent_ellipsis(&edges, r, node) != 0 {
                        r.removed = true;
                    }
                }
            }
            if let Some(own) = self.bottom_of(arc)
                && !self.errors[own as usize].not_allowed
            {
                continue;
            }
            if self.evidence_for_all(arc, &required) {
                continue;
            }
            if let Some(denied) = self.not_allowed(node, outer, arc, label)
                && self.n(arc).arc_type <= ArcType::Required
            {
                error = self.combine(error, denied);
            }
        }
        if error != NIL {
            self.add_child_error(node, error);
        }
    }

    fn not_allowed(&mut self, node: Node, outer: Node, arc: Node, label: Label) -> Option<ErrId> {
        let mut places = smallvec::SmallVec::new();
        let mut at = self.n(outer).conjuncts;
        while at != NIL {
            let c = self.conjuncts[at as usize];
            if let Some(place) = self.label_place(node, label, c.expr)
                && !places.contains(&place)
            {
                places.push(place);
            }
            at = c.next;
        }
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
            self.n_mut(arc).base = Value::Bottom(error);
            if outer != arc {
                self.n_mut(outer).base = Value::Bottom(error);
            }
        }
        Some(error)
    }

    /// Where the label of the field with that value is written.
    pub(super) fn label_place(
        &self,
        node: Node,
        label: Label,
        value: ExprId,
    ) -> Option<crate::diagnostic::Place> {
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

    fn evidence_for_all(&mut self, arc: Node, required: &[Required]) -> bool {
        let edges = self.edges(arc);
        (0..required.len()).all(|index| {
            required[index].ignored
                || required[index].removed
                || self.evidence_for(arc, &edges, required, index)
        })
    }

    fn evidence_for(
        &self,
        arc: Node,
        edges: &[(u32, u32)],
        all: &[Required],
        index: usize,
    ) -> bool {
        let r = all[index];
        let evidence = &self.s(arc).evidence;
        if evidence
            .iter()
            .any(|e| self.contains_group(edges, r.id, e.id))
        {
            return true;
        }
        let find = |id: u32| all.iter().find(|x| id != 0 && x.id == id);
        let Some(embed) = find(r.embed) else {
            return false;
        };
        if r.conjunction_opened && r.outer == 0 {
            return !evidence
                .iter()
                .any(|e| self.contains_group(edges, embed.id, e.embed));
        }
        let outer = find(r.outer);
        for e in evidence {
            if self.contains_group(edges, embed.id, e.embed) {
                continue;
            }
            if r.outer == 0 {
                if embed.outer != 0 && find(embed.outer).is_none() {
                    continue;
                }
                return true;
            }
            let Some(outer) = outer else { return true };
            if outer.removed || self.contains_group(edges, outer.id, e.id) {
                return true;
            }
        }
        false
    }

    /// The further edges between groups that hold at a node: its own and those of the nodes around it.
    fn edges(&mut self, node: Node) -> Rc<Vec<(u32, u32)>> {
        if node == NIL || !self.has_state(node) {
            return Rc::default();
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
            Rc::new(all)
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

    /// The requirements that apply to a node's fields.
    fn required(&mut self, node: Node) -> Rc<Vec<Required>> {
        if let Some(known) = &self.s(node).required {
            return known.clone();
        }
        let parent = self.n(node).parent;
        let from_parent =
            parent != NIL && self.has_state(parent) && !self.s(node).drop_parent_requirements;
        let shared = if from_parent {
            self.required(parent)
        } else {
            Rc::default()
        };
        if shared.is_empty() && self.s(node).requirements.is_empty() {
            self.s_mut(node).required = Some(shared.clone());
            return shared;
        }
        let mut list = (*shared).clone();
        for r in &mut list {
            if r.once {
                r.ignored = true;
            }
        }
        let inherited = list.len();
        for index in 0..self.s(node).requirements.len() {
            let own = self.s(node).requirements[index];
            if (own.ignore && own.kind == GroupKind::Reference)
                || list.iter().any(|x| x.id == own.id)
            {
                continue;
            }
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
        if !list.is_empty() {
            let label = self.n(node).label;
            let edges = self.edges(node);
            if !label.is_regular() && label != Label::NONE {
                list.retain(|r| {
                    self.s(node)
                        .evidence
                        .iter()
                        .any(|e| self.contains_group(&edges, r.id, e.id))
                });
            }
            self.filter_open(node, &mut list);
        }
        let list = Rc::new(list);
        self.s_mut(node).required = Some(list.clone());
        list
    }

    /// Drops requirements that a top, an ellipsis or an open validator lifts.
    fn filter_open(&mut self, node: Node, list: &mut Vec<Required>) {
        let parent = self.n(node).parent;
        let edges = self.edges(node);
        let mut kept = Vec::with_capacity(list.len());
        for mut r in list.drain(..) {
            let mut flags = 0;
            let mut any = false;
            for e in &self.s(node).evidence {
                if self.contains_group(&edges, r.id, e.id) {
                    any = true;
                    let mut own = e.flags;
                    if e.id < r.id {
                        own &= !Evidence::STRUCT;
                    }
                    flags |= own;
                }
            }
            if (flags & Evidence::TOP != 0 && flags & Evidence::STRUCT == 0)
                || flags & Evidence::OPEN_VALIDATOR != 0
            {
                continue;
            }
            if !(any && r.kind != GroupKind::Literal) && parent != NIL && self.has_state(parent) {
                let id = self.parent_ellipsis(&edges, &r, parent);
                if id != 0 {
                    let evidence = &self.s(node).evidence;
                    let inside = |e: &Evidence| self.contains_group(&edges, id, e.id);
                    if !any || r.kind == GroupKind::Literal && !evidence.iter().any(inside) {
                        r.removed = true;
                    }
                }
            }
            kept.push(r);
        }
        *list = kept;
    }

    fn parent_ellipsis(&self, edges: &[(u32, u32)], r: &Required, parent: Node) -> u32 {
        for e in &self.s(parent).evidence {
            if e.flags & Evidence::ELLIPSIS != 0 && self.contains_group(edges, r.id, e.id) {
                return e.id;
            }
        }
        0
    }
}

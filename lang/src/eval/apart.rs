//! A package evaluated by two machines: fields that somebody knows to take long and to need little else by one of them,
//! all other fields by the other.
//!
//! As with parts (`parts.rs`), the structs around those fields are found first, and are evaluated by nobody: each is the
//! sum of its fields. Nothing is wrong with the package if nothing is with any field, whichever machine evaluated it. What
//! a machine needs of the other one's share, it evaluates itself; so a division is never wrong, only more or less useful.

use super::equal::Equals;
use super::machine::*;
use super::{Evaluation, Selector};
use crate::resolve::program::*;
use crate::value::Data;
use std::sync::Arc;

/// A step to fields that are evaluated apart.
#[derive(Clone, Copy, Debug)]
pub enum Step<'p> {
    Field(&'p str),
    /// Every regular field.
    Each,
}

/// Whose a field is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// That of the evaluation that was divided.
    Here,
    /// That of its copy.
    Apart,
}

/// Which fields of a package are evaluated by which of two machines.
pub struct Division {
    top: Node,
    fields: Vec<Field>,
}

/// A field that nobody shares, or a struct of which the fields are.
struct Field {
    parent: Node,
    label: Label,
    /// The name of a regular field.
    name: Option<Arc<str>>,
    part: Part,
}

enum Part {
    Whole(Share),
    Divided(Node, Vec<Field>),
}

/// A path to fields; `None` is each one.
type Path<'p> = &'p [Option<Label>];

impl<'a> Evaluation<'a> {
    /// Divides the package: the fields at these paths are evaluated apart, by the copy of this evaluation. `None` where
    /// there are none, or what is around them is more than the sum of its fields.
    pub fn divide(&mut self, apart: &[&[Step<'_>]]) -> Option<(Division, Evaluation<'a>)> {
        let mut paths = Vec::with_capacity(apart.len());
        for path in apart {
            let steps = path.iter().map(|step| match step {
                Step::Field(name) => self.label(&Selector::Field((*name).into())).map(Some),
                Step::Each => Some(None),
            });
            paths.push(steps.collect::<Option<Vec<_>>>()?);
        }
        let paths: Vec<Path<'_>> = paths.iter().map(Vec::as_slice).collect();
        let top = self.machine.deref(self.root);
        let fields = self.machine.divide(top, &paths, 0)?;
        fields.iter().any(Field::is_apart).then(|| {
            // Whoever divides a package has it evaluated anew if anything is wrong.
            let taken = self.machine.named(&[]).map(Arc::new);
            self.machine.equals = Some(Box::new(Equals::new(taken)));
            let copy = Evaluation {
                machine: self.machine.clone(),
                main: self.main.clone(),
                imports: self.imports.clone(),
                root: self.root,
                whole: self.whole,
                discarded: Vec::new(),
            };
            (Division { top, fields }, copy)
        })
    }

    /// The data of a field without what the other evaluation has of it; `Some(None)` where there is nothing. `None` where it
    /// is no data. Fields that stand for one value have it in common.
    pub fn data_of_share(
        &mut self,
        division: &Division,
        share: Share,
        name: &str,
    ) -> Option<Option<Data>> {
        match division.field(name) {
            Some(field) => self.machine.data_of_share(field, 1, share),
            None => Some(None),
        }
    }

    /// Evaluates all of the share. Whether there is nothing wrong with it.
    pub fn is_share_sound(&mut self, division: &Division, share: Share) -> bool {
        let machine = &mut self.machine;
        machine.is_share_sound(&division.fields, 1, share)
            && !machine.is_taken(division.top, &division.fields)
    }
}

impl Division {
    fn field(&self, name: &str) -> Option<&Field> {
        let mut fields = self.fields.iter();
        fields.find(|field| field.name.as_deref() == Some(name))
    }

    /// The data of a field of which the data of both shares are known.
    pub fn together(&self, name: &str, here: Data, apart: Data) -> Option<Data> {
        Some(self.field(name)?.together(here, apart))
    }
}

impl Field {
    fn is_apart(&self) -> bool {
        match &self.part {
            Part::Whole(share) => *share == Share::Apart,
            Part::Divided(_, fields) => fields.iter().any(Field::is_apart),
        }
    }

    /// Both are what [`Machine::data_of_share`] makes: the fields of each share in their order.
    fn together(&self, here: Data, apart: Data) -> Data {
        match (&self.part, here, apart) {
            (Part::Divided(_, fields), Data::Struct(here), Data::Struct(apart)) => {
                let mut out = Vec::with_capacity(fields.len());
                let (mut here, mut apart) = (here.iter().cloned(), apart.iter().cloned());
                for field in fields.iter().filter(|field| field.name.is_some()) {
                    out.extend(match field.part {
                        Part::Whole(Share::Here) => here.next(),
                        Part::Whole(Share::Apart) => apart.next(),
                        Part::Divided(..) => here
                            .next()
                            .zip(apart.next())
                            .map(|((name, here), (_, apart))| (name, field.together(here, apart))),
                    });
                }
                Data::Struct(out.into())
            }
            (Part::Whole(Share::Apart), _, apart) => apart,
            (_, here, _) => here,
        }
    }
}

impl Machine<'_> {
    /// The fields of a struct, of which those at these paths from it are evaluated apart.
    fn divide(&mut self, at: Node, apart: &[Path<'_>], depth: usize) -> Option<Vec<Field>> {
        let arcs = self.divisible_arcs(at, depth)?;
        let mut fields = Vec::with_capacity(arcs.len());
        for (label, arc) in arcs {
            if label.is_let() || self.n(arc).arc_type == ArcType::Optional {
                continue;
            }
            let is_on = |step: Option<Label>| match step {
                Some(step) => step == label,
                None => label.is_string(),
            };
            let paths = apart.iter().filter_map(|path| path.split_first());
            let paths = paths.filter(|(step, _)| is_on(**step));
            let rest: Vec<Path<'_>> = paths.map(|(_, rest)| rest).collect();
            let part = if rest.is_empty() {
                Part::Whole(Share::Here)
            } else if rest.iter().any(|rest| rest.is_empty()) {
                Part::Whole(Share::Apart)
            } else {
                Part::Divided(arc, self.divide(arc, &rest, depth + 1)?)
            };
            let name = label.is_string();
            fields.push(Field {
                parent: at,
                label,
                name: name.then(|| self.program.strings.shared(label.id())),
                part,
            });
        }
        Some(fields)
    }

    /// The data of a field that is so many steps from the top; `Some(None)` where all of it is of the other share.
    fn data_of_share(&mut self, field: &Field, depth: usize, share: Share) -> Option<Option<Data>> {
        match &field.part {
            Part::Whole(of) if *of != share => Some(None),
            Part::Whole(_) => {
                let arc = self.sound_item(field.parent, field.label, depth)?;
                self.data_of(Value::Node(arc)).ok().map(Some)
            }
            Part::Divided(_, fields) => {
                let mut out = Vec::with_capacity(fields.len());
                for field in fields {
                    if let Some(name) = &field.name
                        && let Some(data) = self.data_of_share(field, depth + 1, share)?
                    {
                        out.push((name.clone(), data));
                    }
                }
                Some(Some(Data::Struct(out.into())))
            }
        }
    }

    fn is_share_sound(&mut self, fields: &[Field], depth: usize, share: Share) -> bool {
        fields.iter().all(|field| match &field.part {
            Part::Whole(of) if *of != share => true,
            Part::Whole(_) => self.sound_item(field.parent, field.label, depth).is_some(),
            Part::Divided(_, fields) => self.is_share_sound(fields, depth + 1, share),
        })
    }

    /// Whether something took a divided struct as a value, perhaps from within.
    fn is_taken(&self, node: Node, fields: &[Field]) -> bool {
        self.n(node).status == Status::Finalized
            || fields.iter().any(|field| match &field.part {
                Part::Divided(node, fields) => self.is_taken(*node, fields),
                Part::Whole(_) => false,
            })
    }
}

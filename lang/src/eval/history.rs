//! The references resolved on a conjunct's way, as a list that many conjuncts share the end of.
//!
//! Each reference that is resolved asks whether its target, or its expression, came up before. Where a value refers to
//! one that refers to another, a thousand times over, the way back is long; it is passed over in blocks that are
//! known to have neither.

use super::machine::*;
use crate::resolve::program::*;

/// One step of a conjunct's reference history.
#[derive(Clone, Copy, Debug)]
pub(super) struct RefRecord {
    pub expr: ExprId,
    pub target: Node,
    pub at: Node,
    pub depth: i32,
    /// The step before, plus one; 0 is none.
    pub next: u32,
    /// How many steps there are, with this one.
    len: u32,
    /// Into [`Machine::blocks`], where a block begins here and was made.
    block: u32,
}

/// How many steps a block has.
const BLOCK: u32 = 32;
const WORDS: usize = 16;
const BITS: u32 = WORDS as u32 * 64;

/// What a block of steps does not have: a Bloom filter.
#[derive(Clone, Debug)]
pub(super) struct Block {
    bits: [u64; WORDS],
    /// The first step beyond it, plus one.
    next: u32,
    /// [`Machine::indirections`] when it was made.
    made_at: u64,
}

impl Block {
    /// Two bits for a target or an expression.
    fn places(kind: u64, id: u32) -> [u32; 2] {
        let hash = ((u64::from(id) << 1) | kind).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        [(hash >> 53) as u32 % BITS, (hash >> 42) as u32 % BITS]
    }

    fn add(&mut self, kind: u64, id: u32) {
        for place in Block::places(kind, id) {
            self.bits[place as usize / 64] |= 1 << (place % 64);
        }
    }

    fn may_have(&self, kind: u64, id: u32) -> bool {
        Block::places(kind, id)
            .iter()
            .all(|place| self.bits[*place as usize / 64] & (1 << (place % 64)) != 0)
    }
}

const TARGET: u64 = 0;
const EXPRESSION: u64 = 1;

impl Machine<'_> {
    /// Sets what the node is. To be used wherever that may make it stand for another node, or stop doing so, unless
    /// nobody can have referred to it yet.
    pub(super) fn set_base(&mut self, node: Node, value: Value) {
        let data = &mut self.nodes[node as usize];
        if matches!(data.base, Value::Node(_)) || matches!(value, Value::Node(_)) {
            self.indirections += 1;
        }
        data.base = value;
    }

    /// Adds a step to a history.
    pub(super) fn add_to_history(
        &mut self,
        next: u32,
        expr: ExprId,
        target: Node,
        at: Node,
        depth: i32,
    ) -> u32 {
        let len = match next {
            0 => 1,
            next => self.refs[next as usize - 1].len + 1,
        };
        self.refs.push(RefRecord {
            expr,
            target,
            at,
            depth,
            next,
            len,
            block: NIL,
        });
        self.refs.len() as u32
    }

    /// The first step behind a block that begins at a step and has neither the target, which stands for no other node,
    /// nor, if given, the expression.
    pub(super) fn past_block(
        &mut self,
        at: u32,
        target: Node,
        expr: Option<ExprId>,
    ) -> Option<u32> {
        let record = self.refs[at as usize - 1];
        if !record.len.is_multiple_of(BLOCK) {
            return None;
        }
        let fresh =
            record.block != NIL && self.blocks[record.block as usize].made_at == self.indirections;
        let index = match fresh {
            true => record.block as usize,
            false => self.make_block(at),
        };
        let block = &self.blocks[index];
        let passes = !block.may_have(TARGET, target)
            && !expr.is_some_and(|expr| block.may_have(EXPRESSION, expr));
        passes.then_some(block.next)
    }

    fn make_block(&mut self, first: u32) -> usize {
        let mut block = Block {
            bits: [0; WORDS],
            next: first,
            made_at: self.indirections,
        };
        for _ in 0..BLOCK {
            let record = self.refs[block.next as usize - 1];
            block.add(TARGET, self.deref(record.target));
            block.add(EXPRESSION, record.expr);
            block.next = record.next;
        }
        self.steps += u64::from(BLOCK) / 4;
        let known = self.refs[first as usize - 1].block;
        if known != NIL {
            self.blocks[known as usize] = block;
            return known as usize;
        }
        let index = self.blocks.len();
        self.refs[first as usize - 1].block = index as u32;
        self.blocks.push(block);
        index
    }
}

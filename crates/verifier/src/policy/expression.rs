//! One expression over claims, in the Common Expression Language, whose work is bounded before it runs.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock},
};

use cel::{
    Context, Env, IdedExpr, Program, Value as Cel,
    common::ast::{EntryExpr, Expr, operators},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use thiserror::Error;

/// The longest expression, in bytes.
const LONGEST: usize = 1_000;
/// The deepest nesting of brackets.
const DEEPEST: usize = 16;
/// The most operators, literals and names of an expression after its macros are expanded.
const MOST_NODES: u64 = 400;
/// The most steps that one evaluation may take; a step is some tens of nanoseconds.
const BUDGET: u64 = 200_000;
/// How many bytes of text count as one step for whoever compares or searches them.
const BYTES_A_STEP: u64 = 64;

/// The language: its standard functions, and none that reaches outside.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// An expression that was read and is within its bounds; cloning is cheap.
#[derive(Clone)]
pub struct Expression {
    text: String,
    program: Arc<Program>,
}

/// Why an expression cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExpressionFault {
    /// It is longer than anybody reads.
    #[error("the expression is longer than {LONGEST} bytes")]
    TooLong,
    /// Brackets in brackets in brackets.
    #[error("the expression is nested more than {DEEPEST} deep")]
    TooDeep,
    /// It is not of the language.
    #[error("the expression cannot be read: {0}")]
    Syntax(String),
    /// It has more parts than are evaluated.
    #[error("the expression has more than {MOST_NODES} parts")]
    TooManyParts,
    /// It uses a name that is none of the variables.
    #[error("the expression uses {0}, which is not known here")]
    UnknownName(String),
}

/// Why an expression gave neither true nor false.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unanswered {
    /// These claims would make it more work than its budget.
    #[error("these claims would be more work than a rule may be")]
    Budget,
    /// Something it needs is missing, or of another type.
    #[error("a claim that the rule needs is missing or of another type")]
    Claims,
    /// It gives something else than true or false.
    #[error("the rule gives neither true nor false")]
    NotBoolean,
}

impl Expression {
    /// Reads an expression over these variables.
    ///
    /// # Errors
    /// One [`ExpressionFault`] per bound.
    pub fn read(text: &str) -> Result<Self, ExpressionFault> {
        if text.len() > LONGEST {
            return Err(ExpressionFault::TooLong);
        }
        // before the parser sees it: how deep it recurses is up to the text
        if depth(text) > DEEPEST {
            return Err(ExpressionFault::TooDeep);
        }
        let program = LANGUAGE.compile(text).map_err(|errors| {
            let first = errors.errors.first().map(|error| error.msg.clone());
            ExpressionFault::Syntax(first.unwrap_or_default())
        })?;
        if work(program.expression(), Sizes::NONE) > MOST_NODES {
            return Err(ExpressionFault::TooManyParts);
        }
        Ok(Self { text: text.to_owned(), program: Arc::new(program) })
    }

    /// Refuses names that are none of these.
    ///
    /// # Errors
    /// [`ExpressionFault::UnknownName`].
    pub(crate) fn only_of(&self, names: &[&str]) -> Result<(), ExpressionFault> {
        match unknown_name(self.program.expression(), names) {
            Some(unknown) => Err(ExpressionFault::UnknownName(unknown)),
            None => Ok(()),
        }
    }

    /// Whether the expression holds for these variables, an object.
    ///
    /// # Errors
    /// [`Unanswered`]; whoever relies on the rule takes it for broken.
    pub fn holds(&self, variables: &Value) -> Result<bool, Unanswered> {
        if work(self.program.expression(), Sizes::of(variables, &self.program)) > BUDGET {
            return Err(Unanswered::Budget);
        }
        let mut context = Context::with_env(Arc::clone(&LANGUAGE));
        for (name, value) in variables.as_object().into_iter().flatten() {
            context.add_variable_from_value(name.as_str(), cel(value));
        }
        match self.program.execute(&context) {
            Ok(Cel::Bool(holds)) => Ok(holds),
            Ok(_) => Err(Unanswered::NotBoolean),
            Err(_) => Err(Unanswered::Claims),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// How deep brackets are nested; one in a text counts too, which only refuses more.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// What values cost whoever walks through them.
#[derive(Clone, Copy)]
struct Sizes {
    /// The members or elements of the longest object or list.
    longest: u64,
    /// Members and elements, all told.
    elements: u64,
    /// Bytes of text, all told: no text is longer.
    bytes: u64,
}

impl Sizes {
    const NONE: Self = Self { longest: 1, elements: 1, bytes: 0 };

    /// The sizes of these variables and of anything the expression can build from them: a concatenation is no longer
    /// than its parts.
    fn of(variables: &Value, program: &Program) -> Self {
        let mut sizes = Self::NONE;
        sizes.measure(variables);
        let parts = work(program.expression(), Self::NONE);
        let joined = joins(program.expression()).saturating_add(1);
        let grown = |size: u64| size.saturating_add(parts).saturating_mul(joined);
        Self {
            longest: grown(sizes.longest),
            elements: grown(sizes.elements),
            bytes: sizes.bytes.saturating_mul(joined),
        }
    }

    fn measure(&mut self, value: &Value) {
        self.elements += 1;
        match value {
            Value::String(text) => self.bytes += text.len() as u64,
            Value::Array(values) => {
                self.longest = self.longest.max(values.len() as u64);
                values.iter().for_each(|value| self.measure(value));
            }
            Value::Object(members) => {
                self.longest = self.longest.max(members.len() as u64);
                members.iter().for_each(|(name, value)| {
                    self.bytes += name.len() as u64;
                    self.measure(value);
                });
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// An upper bound of the steps that an expression takes.
fn work(expression: &IdedExpr, sizes: Sizes) -> u64 {
    let parts = parts(expression);
    match &expression.expr {
        Expr::Call(call) => {
            let own = 1_u64.saturating_add(sizes.bytes / BYTES_A_STEP);
            let own = match call.func_name.as_str() {
                // element by element
                operators::EQUALS | operators::NOT_EQUALS => own.saturating_add(sizes.elements),
                operators::IN | operators::ADD => own.saturating_add(sizes.longest),
                _ => own,
            };
            total(parts, sizes).saturating_add(own)
        }
        Expr::Comprehension(each) => {
            let once = [&each.iter_range, &each.accu_init, &each.result];
            let round = [&each.loop_cond, &each.loop_step];
            let rounds = total(round, sizes).saturating_mul(sizes.longest);
            total(once, sizes).saturating_add(rounds).saturating_add(1)
        }
        _ => total(parts, sizes).saturating_add(1),
    }
}

fn total<'e>(parts: impl IntoIterator<Item = &'e IdedExpr>, sizes: Sizes) -> u64 {
    parts.into_iter().fold(0, |sum, part| sum.saturating_add(work(part, sizes)))
}

/// How often an expression joins lists or texts.
fn joins(expression: &IdedExpr) -> u64 {
    let own = matches!(&expression.expr, Expr::Call(call) if call.func_name == operators::ADD);
    parts(expression).into_iter().map(joins).sum::<u64>() + u64::from(own)
}

/// The name that is none of these, if there is one.
fn unknown_name(expression: &IdedExpr, known: &[&str]) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) if !known.contains(&name.as_str()) => Some(name.clone()),
        Expr::Comprehension(each) => {
            let own = [Some(&each.iter_var), each.iter_var2.as_ref(), Some(&each.accu_var)];
            let own = own.into_iter().flatten().map(String::as_str);
            let inside: Vec<_> = known.iter().copied().chain(own).collect();
            unknown_name(&each.iter_range, known)
                .or_else(|| unknown_name(&each.accu_init, known))
                .or_else(|| unknown_name(&each.loop_cond, &inside))
                .or_else(|| unknown_name(&each.loop_step, &inside))
                .or_else(|| unknown_name(&each.result, &inside))
        }
        _ => parts(expression).into_iter().find_map(|part| unknown_name(part, known)),
    }
}

/// What an expression is directly made of.
fn parts(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => {
            map.entries.iter().flat_map(|entry| parts_of_entry(&entry.expr)).collect()
        }
        Expr::Struct(of) => {
            of.entries.iter().flat_map(|entry| parts_of_entry(&entry.expr)).collect()
        }
        Expr::Comprehension(each) => {
            vec![&each.iter_range, &each.accu_init, &each.loop_cond, &each.loop_step, &each.result]
        }
    }
}

fn parts_of_entry(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// JSON as values of the language; whole numbers are of one type, so that they compare with literals.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Cel::Int(whole),
            (None, Some(whole)) => Cel::UInt(whole),
            (None, None) => number.as_f64().map_or(Cel::Null, Cel::Float),
        },
        Value::String(text) => Cel::from(text.as_str()),
        Value::Array(values) => Cel::List(Arc::new(values.iter().map(cel).collect())),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), cel(value)));
            Cel::from(members.collect::<HashMap<_, _>>())
        }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Expression({})", self.text)
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

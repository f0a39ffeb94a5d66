//! Parses and checks a file of texts. Only a small subset of Fluent is allowed, so that every text can be checked
//! before it is sent.

use crate::notify::texts::{
    catalog::{MessageTemplate, templates},
    error::TextErrorKind,
};
use countersign_domain::value::text::{hides_something, holds_link};
use fluent_bundle::FluentResource;
use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement},
    parser::ParserError,
};
use std::{collections::HashSet, sync::Arc};

/// A checked file.
pub(super) struct TextFile {
    /// The parsed texts.
    pub(super) resource: Arc<FluentResource>,
    /// The names of the texts.
    pub(super) ids: HashSet<String>,
}

/// Parses and checks a file.
///
/// # Errors
/// Everything that is wrong with the file.
pub(super) fn read(text: &str) -> Result<TextFile, Vec<TextErrorKind>> {
    let resource = FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| {
        errors
            .iter()
            .map(|error| syntax(error, text))
            .collect::<Vec<_>>()
    })?;
    let known = templates();
    let mut ids = HashSet::new();
    let mut wrong = Vec::new();
    for entry in resource.entries() {
        match entry {
            Entry::Message(message) => {
                wrong.extend(judge(message, &known));
                let id = message.id.name.to_owned();
                if !ids.insert(id.clone()) {
                    wrong.push(TextErrorKind::Twice(id));
                }
            }
            Entry::Term(term) => wrong.push(TextErrorKind::NotAText(term.id.name.to_owned())),
            Entry::Junk { content } => wrong.push(TextErrorKind::NotAText((*content).to_owned())),
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let resource = Arc::new(resource);
    Ok(TextFile { resource, ids })
}

fn syntax(error: &ParserError, text: &str) -> TextErrorKind {
    let before = text.get(..error.pos.start).unwrap_or(text);
    TextErrorKind::Syntax {
        line: before.matches('\n').count() + 1,
        what: error.kind.to_string(),
    }
}

fn judge(message: &Message<&str>, known: &[MessageTemplate]) -> Vec<TextErrorKind> {
    let id = message.id.name.to_owned();
    let Some(template) = known.iter().find(|template| template.id == id) else {
        return vec![TextErrorKind::UnknownText(id)];
    };
    let Some(pattern) = message
        .value
        .as_ref()
        .filter(|_| message.attributes.is_empty())
    else {
        return vec![TextErrorKind::NotAText(id)];
    };
    let mut found = TextForms::default();
    found.look_at(pattern);
    found.judge(template)
}

/// The elements of a text, in all its forms.
#[derive(Default)]
struct TextForms<'a> {
    literals: Vec<&'a str>,
    variables: Vec<&'a str>,
    references: bool,
}

impl<'a> TextForms<'a> {
    fn look_at(&mut self, pattern: &Pattern<&'a str>) {
        for element in &pattern.elements {
            match element {
                PatternElement::TextElement { value } => self.literals.push(value),
                PatternElement::Placeable { expression } => self.inspect_expression(expression),
            }
        }
    }

    fn inspect_expression(&mut self, expression: &Expression<&'a str>) {
        match expression {
            Expression::Inline(inline) => self.inspect(inline),
            Expression::Select { selector, variants } => {
                self.inspect(selector);
                for variant in variants {
                    self.look_at(&variant.value);
                }
            }
        }
    }

    fn inspect(&mut self, inline: &InlineExpression<&'a str>) {
        match inline {
            InlineExpression::VariableReference { id } => self.variables.push(id.name),
            InlineExpression::Placeable { expression } => self.inspect_expression(expression),
            InlineExpression::StringLiteral { .. }
            | InlineExpression::NumberLiteral { .. }
            | InlineExpression::FunctionReference { .. }
            | InlineExpression::MessageReference { .. }
            | InlineExpression::TermReference { .. } => self.references = true,
        }
    }

    fn judge(self, template: &MessageTemplate) -> Vec<TextErrorKind> {
        let MessageTemplate { id, must, may } = template;
        let known = |name: &&str| must.contains(name) || may.contains(name);
        let unknown = self.variables.iter().filter(|name| !known(name));
        let mut wrong: Vec<TextErrorKind> = unknown
            .map(|name| TextErrorKind::UnknownVariable {
                id: id.clone(),
                variable: (*name).to_owned(),
                known: listed(must, may),
            })
            .collect();
        let missing = must.iter().filter(|name| !self.variables.contains(name));
        wrong.extend(missing.map(|variable| TextErrorKind::MissingVariable {
            id: id.clone(),
            variable,
        }));
        if self.references {
            wrong.push(TextErrorKind::Reference(id.clone()));
        }
        if self.literals.iter().any(|literal| holds_link(literal)) {
            wrong.push(TextErrorKind::Link(id.clone()));
        }
        if self
            .literals
            .iter()
            .any(|literal| literal.chars().any(is_out_of_place))
        {
            wrong.push(TextErrorKind::NotOneLine(id.clone()));
        }
        wrong
    }
}

fn listed(must: &[&str], may: &[&str]) -> String {
    let names: Vec<String> = must
        .iter()
        .chain(may)
        .map(|name| format!("${name}"))
        .collect();
    if names.is_empty() {
        return "no values".to_owned();
    }
    names.join(", ")
}

/// Joiners are allowed, because Persian and some Indian scripts require them. No other invisible character is.
fn is_out_of_place(character: char) -> bool {
    hides_something(character) && !matches!(character, '\u{200C}' | '\u{200D}')
}

#[cfg(test)]
mod tests;

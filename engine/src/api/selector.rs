//! Label selectors: the Service's plain map, the structured form, and the text of `kubectl -l`.
//!
//! Modelled after k8s.io/apimachinery `pkg/labels/selector.go` and `pkg/apis/meta/v1/helpers.go`
//! (v0.30.5): what matches, the order in which requirements print, and the errors' texts.
//!
//! A Service with an empty selector selects nothing, while an empty selector elsewhere selects
//! everything; see [`service_selects`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::validation::{self, BadValue, FieldError, names};
use super::{FieldPath, LabelSelector};

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// Whether a Service with this selector selects an object with these labels.
///
/// An empty selector selects nothing: the EndpointSlices of such a Service are somebody else's
/// work (the check in `syncService` of kube-controller-manager's EndpointSlice controller).
#[must_use]
pub fn service_selects(selector: &Labels, labels: &Labels) -> bool {
    !selector.is_empty() && matches_map(selector, labels)
}

/// Whether the labels have every one of these keys with its value. True for an empty map.
#[must_use]
pub fn matches_map(wanted: &Labels, labels: &Labels) -> bool {
    wanted
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// How a requirement relates a label to its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `key=value`.
    Equals,
    /// `key==value`: the same, and printed as it was written.
    DoubleEquals,
    /// `key!=value`: true without the label, too.
    NotEquals,
    /// `key in (a,b)`.
    In,
    /// `key notin (a,b)`: true without the label, too.
    NotIn,
    /// `key`.
    Exists,
    /// `!key`.
    DoesNotExist,
    /// `key>1`: both are integers.
    GreaterThan,
    /// `key<1`: both are integers.
    LessThan,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

impl Requirement {
    /// A condition, once its key, its values and their number were found good.
    ///
    /// # Errors
    ///
    /// One [`FieldError`] for each thing wrong, on `key`, `values` or `values[0][KEY]`.
    pub fn new(
        key: impl Into<String>,
        operator: Operator,
        values: Vec<String>,
    ) -> Result<Self, SelectorError> {
        let key = key.into();
        let mut errors = Vec::new();
        check_key(&key, &FieldPath::new("key"), &mut errors);
        let path = FieldPath::new("values");
        let count_error = match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                Some("for 'in', 'notin' operators, values set can't be empty")
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals
                if values.len() != 1 =>
            {
                Some("exact-match compatibility requires one single value")
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                Some("values set must be empty for exists and does not exist")
            }
            Operator::GreaterThan | Operator::LessThan if values.len() != 1 => {
                Some("for 'Gt', 'Lt' operators, exactly one value is required")
            }
            _ => None,
        };
        if let Some(detail) = count_error {
            errors.push(FieldError::invalid(&path, BadValue::list(&values), detail));
        }
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
            for (index, value) in values.iter().enumerate() {
                if value.parse::<i64>().is_err() {
                    errors.push(FieldError::invalid(
                        &path.index(index),
                        value,
                        "for 'Gt', 'Lt' operators, the value must be an integer",
                    ));
                }
            }
        }
        for (index, value) in values.iter().enumerate() {
            let wrong = names::label_value(value);
            if !wrong.is_empty() {
                let path = path.index(index).key(&key);
                errors.push(FieldError::invalid(&path, value, wrong.join("; ")));
            }
        }
        if errors.is_empty() {
            Ok(Self {
                key,
                operator,
                values,
            })
        } else {
            Err(SelectorError::Invalid(errors))
        }
    }

    /// Whether it holds for these labels.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let label = labels.get(&self.key);
        match self.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => {
                label.is_some_and(|value| self.values.contains(value))
            }
            Operator::NotEquals | Operator::NotIn => {
                label.is_none_or(|value| !self.values.contains(value))
            }
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => self.compare(label).is_some_and(|(have, want)| have > want),
            Operator::LessThan => self.compare(label).is_some_and(|(have, want)| have < want),
        }
    }

    /// The label's number and the one to compare it with; a label that is no number never matches.
    fn compare(&self, label: Option<&String>) -> Option<(i64, i64)> {
        Some((label?.parse().ok()?, self.values.first()?.parse().ok()?))
    }
}

/// As Kubernetes prints it: `app in (db,web)`, values sorted.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let mut values = self.values.clone();
        values.sort();
        let values = values.join(",");
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

/// A label selector: all of its requirements hold. Without any it matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Sorted by key; of one key in the order given.
    requirements: Vec<Requirement>,
}

impl Selector {
    /// All of these requirements.
    #[must_use]
    pub fn new(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self { requirements }
    }

    /// All of these labels with their values, as a Service's `spec.selector` means it. Nothing is
    /// checked, as in `SelectorFromSet`.
    #[must_use]
    pub fn from_map(labels: &Labels) -> Self {
        Self::new(
            labels
                .iter()
                .map(|(key, value)| Requirement {
                    key: key.clone(),
                    operator: Operator::Equals,
                    values: vec![value.clone()],
                })
                .collect(),
        )
    }

    /// Whether it matches everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether all requirements hold for these labels.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.matches(labels))
    }
}

/// As Kubernetes prints it: requirements sorted by key, with commas.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

/// The structured form. As in `LabelSelectorAsSelector` the first bad requirement is the error.
impl TryFrom<&LabelSelector> for Selector {
    type Error = SelectorError;

    fn try_from(selector: &LabelSelector) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for (key, value) in &selector.match_labels {
            requirements.push(Requirement::new(
                key.clone(),
                Operator::Equals,
                vec![value.clone()],
            )?);
        }
        for expression in &selector.match_expressions {
            let operator = match expression.operator.as_str() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(SelectorError::UnknownOperator(other.to_owned())),
            };
            requirements.push(Requirement::new(
                expression.key.clone(),
                operator,
                expression.values.clone(),
            )?);
        }
        Ok(Self::new(requirements))
    }
}

/// The text form, as after `kubectl -l`: `app=web,tier in (front,back),!debug`.
impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        Parser::new(text).parse().map(Self::new)
    }
}

/// Why something is no selector. Prints as Kubernetes' own error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorError {
    /// The text does not follow the grammar.
    Syntax(String),
    /// A requirement of the text is wrong.
    Requirement(Box<SelectorError>),
    /// A key or value is malformed, or there are too many values or too few.
    Invalid(Vec<FieldError>),
    /// The structured form has four operators, and this is none.
    UnknownOperator(String),
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => f.write_str(text),
            Self::Requirement(error) => write!(f, "unable to parse requirement: {error}"),
            Self::Invalid(errors) => f.write_str(&validation::aggregate(errors)),
            Self::UnknownOperator(operator) => {
                let operator = validation::quote(operator);
                write!(f, "{operator} is not a valid label selector operator")
            }
        }
    }
}

impl std::error::Error for SelectorError {}

fn check_key(key: &str, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let wrong = names::qualified_name(key);
    if !wrong.is_empty() {
        errors.push(FieldError::invalid(path, key, wrong.join("; ")));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    End,
    Close,
    Comma,
    Bang,
    DoubleEquals,
    Equals,
    Greater,
    Identifier,
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
}

impl Token {
    /// The token that is written so, if it is no identifier.
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            ")" => Self::Close,
            "," => Self::Comma,
            "!" => Self::Bang,
            "==" => Self::DoubleEquals,
            "=" => Self::Equals,
            ">" => Self::Greater,
            "in" => Self::In,
            "<" => Self::Less,
            "!=" => Self::NotEquals,
            "notin" => Self::NotIn,
            "(" => Self::Open,
            _ => return None,
        })
    }

    /// The words `in` and `notin` are operators only where an operator may stand; everywhere else
    /// they are names like any other, as in `in in (notin)`.
    fn as_name(self) -> Self {
        match self {
            Self::In | Self::NotIn => Self::Identifier,
            other => other,
        }
    }
}

fn is_special(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Splits a text into tokens; the last one is [`Token::End`]. A NUL character ends the text, or
/// the word it stands behind, as it does in the original.
fn tokens(text: &str) -> Vec<(Token, &str)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_blank);
        let Some(first) = rest.chars().next().filter(|c| *c != '\0') else {
            tokens.push((Token::End, ""));
            return tokens;
        };
        let length = if is_special(first) {
            // All operators of two characters end in an equals sign.
            let two = rest.get(..2).and_then(Token::of);
            if two.is_some() { 2 } else { 1 }
        } else {
            rest.find(|c| is_special(c) || is_blank(c) || c == '\0')
                .unwrap_or(rest.len())
        };
        let (word, tail) = rest.split_at(length);
        tokens.push((Token::of(word).unwrap_or(Token::Identifier), word));
        rest = tail.strip_prefix('\0').unwrap_or(tail);
    }
}

/// Recursive descent over the tokens. [`Token::End`] is never passed, so `position` stays inside.
struct Parser<'a> {
    tokens: Vec<(Token, &'a str)>,
    position: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            tokens: tokens(text),
            position: 0,
        }
    }

    /// The next token where an operator may stand.
    fn peek_operator(&self) -> (Token, &'a str) {
        self.tokens
            .get(self.position)
            .copied()
            .unwrap_or((Token::End, ""))
    }

    /// The next token anywhere else.
    fn peek(&self) -> (Token, &'a str) {
        let (token, text) = self.peek_operator();
        (token.as_name(), text)
    }

    fn next(&mut self) -> (Token, &'a str) {
        let next = self.peek();
        self.position += 1;
        next
    }

    fn parse(mut self) -> Result<Vec<Requirement>, SelectorError> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                (Token::End, _) => return Ok(requirements),
                (Token::Identifier | Token::Bang, _) => {}
                (_, found) => return Err(unexpected(found, "!, identifier, or 'end of string'")),
            }
            let requirement = self
                .requirement()
                .map_err(|error| SelectorError::Requirement(Box::new(error)))?;
            requirements.push(requirement);
            match self.next() {
                (Token::End, _) => return Ok(requirements),
                (Token::Comma, _) => match self.peek() {
                    (Token::Identifier | Token::Bang, _) => {}
                    (_, found) => return Err(unexpected(found, "identifier after ','")),
                },
                (_, found) => return Err(unexpected(found, "',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        let negated = self.peek().0 == Token::Bang;
        if negated {
            self.next();
        }
        let (token, key) = self.next();
        if token != Token::Identifier {
            return Err(unexpected(key, "identifier"));
        }
        let mut errors = Vec::new();
        // The original passes no path here, and prints that.
        check_key(key, &FieldPath::new("<nil>"), &mut errors);
        if !errors.is_empty() {
            return Err(SelectorError::Invalid(errors));
        }
        if negated {
            return Requirement::new(key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.value_set()?,
            _ => self.exact_value()?,
        };
        Requirement::new(key, operator, values.into_iter().collect())
    }

    fn operator(&mut self) -> Result<Operator, SelectorError> {
        let (token, found) = self.peek_operator();
        self.position += 1;
        Ok(match token {
            Token::In => Operator::In,
            Token::NotIn => Operator::NotIn,
            Token::Equals => Operator::Equals,
            Token::DoubleEquals => Operator::DoubleEquals,
            Token::NotEquals => Operator::NotEquals,
            Token::Greater => Operator::GreaterThan,
            Token::Less => Operator::LessThan,
            _ => return Err(unexpected(found, "in, notin, =, ==, !=, gt, lt")),
        })
    }

    /// `(a,b)`. Empty places count as the empty value.
    fn value_set(&mut self) -> Result<BTreeSet<String>, SelectorError> {
        let (token, found) = self.next();
        if token != Token::Open {
            // No comma in this one.
            return Err(SelectorError::Syntax(format!(
                "found '{found}' expected: '('"
            )));
        }
        match self.peek() {
            (Token::Identifier | Token::Comma, _) => {
                let values = self.values()?;
                // `values` stops before a closing parenthesis, and only there.
                self.next();
                Ok(values)
            }
            (Token::Close, _) => {
                self.next();
                Ok(BTreeSet::from([String::new()]))
            }
            (_, found) => Err(unexpected(found, "',', ')' or identifier")),
        }
    }

    fn values(&mut self) -> Result<BTreeSet<String>, SelectorError> {
        let mut values = BTreeSet::new();
        loop {
            match self.next() {
                (Token::Identifier, value) => {
                    values.insert(value.to_owned());
                    match self.peek() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, found) => return Err(unexpected(found, "',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.insert(String::new());
                    }
                    match self.peek().0 {
                        Token::Close => {
                            values.insert(String::new());
                            return Ok(values);
                        }
                        Token::Comma => {
                            self.next();
                            values.insert(String::new());
                        }
                        _ => {}
                    }
                }
                (_, found) => return Err(unexpected(found, "',', or identifier")),
            }
        }
    }

    /// The value after `=` and its like; nothing is the empty value.
    fn exact_value(&mut self) -> Result<BTreeSet<String>, SelectorError> {
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok(BTreeSet::from([String::new()]));
        }
        match self.next() {
            (Token::Identifier, value) => Ok(BTreeSet::from([value.to_owned()])),
            (_, found) => Err(unexpected(found, "identifier")),
        }
    }
}

fn unexpected(found: &str, expected: &str) -> SelectorError {
    SelectorError::Syntax(format!("found '{found}', expected: {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn parse(text: &str) -> Result<Selector, String> {
        text.parse()
            .map_err(|error: SelectorError| error.to_string())
    }

    #[test]
    fn an_empty_selector_of_a_service_selects_nothing_and_elsewhere_everything() {
        let pod = labels(&[("app", "web")]);
        assert!(!service_selects(&Labels::new(), &pod));
        assert!(Selector::from_map(&Labels::new()).matches(&pod));
        assert!(Selector::default().matches(&Labels::new()));
        assert!(service_selects(&pod, &labels(&[("app", "web"), ("x", "")])));
        assert!(!service_selects(&pod, &labels(&[("app", "Web")])));
    }

    #[test]
    fn in_and_notin_are_names_where_no_operator_may_stand() {
        let selector = parse("in in (in,notin),notin").unwrap();
        assert_eq!(selector.to_string(), "in in (in,notin),notin");
        assert!(selector.matches(&labels(&[("in", "notin"), ("notin", "")])));
        assert_eq!(parse("in=in").unwrap().to_string(), "in=in");
    }

    #[test]
    fn empty_places_in_a_set_are_the_empty_value() {
        for (text, printed) in [
            ("a in ()", "a in ()"),
            ("a in (,)", "a in ()"),
            ("a in (x,)", "a in (,x)"),
            ("a in (x,,y)", "a in (,x,y)"),
            ("a notin (x,x)", "a notin (x)"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn a_missing_label_matches_the_negations_only() {
        let none = Labels::new();
        for (text, expected) in [
            ("a=1", false),
            ("a!=1", true),
            ("a in (1)", false),
            ("a notin (1)", true),
            ("a", false),
            ("!a", true),
            ("a>0", false),
            ("a<9", false),
        ] {
            assert_eq!(parse(text).unwrap().matches(&none), expected, "{text}");
        }
    }

    #[test]
    fn operators_are_read_as_long_as_they_can_be() {
        assert_eq!(parse("a==b").unwrap().to_string(), "a==b");
        assert_eq!(
            parse("a=!b").unwrap_err(),
            "unable to parse requirement: found '!', expected: identifier"
        );
        assert_eq!(
            parse("a b").unwrap_err(),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"
        );
    }

    #[test]
    fn a_value_out_of_form_is_named_by_its_key() {
        let error = parse("app=-x").unwrap_err();
        assert!(
            error.starts_with(
                "unable to parse requirement: values[0][app]: Invalid value: \"-x\": a valid label"
            ),
            "{error}"
        );
        assert_eq!(
            Requirement::new("a", Operator::GreaterThan, Vec::new())
                .unwrap_err()
                .to_string(),
            "values: Invalid value: []string(nil): for 'Gt', 'Lt' operators, exactly one value is \
             required"
        );
    }

    #[test]
    fn a_nul_character_ends_the_text() {
        assert_eq!(parse("\0a").unwrap(), Selector::default());
        assert_eq!(parse("a\0").unwrap().to_string(), "a");
    }

    #[test]
    fn the_structured_form_knows_four_operators() {
        let mut selector = LabelSelector::default();
        selector
            .match_expressions
            .push(super::super::LabelSelectorRequirement {
                key: "a".into(),
                operator: "Equals".into(),
                values: vec!["b".into()],
            });
        assert_eq!(
            Selector::try_from(&selector).unwrap_err().to_string(),
            "\"Equals\" is not a valid label selector operator"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9!=<>(), /\u{0}é]{0,40}") {
            if let Ok(selector) = text.parse::<Selector>() {
                // What is printed reads as the same.
                let printed = selector.to_string();
                proptest::prop_assert_eq!(printed.parse::<Selector>(), Ok(selector));
            }
        }
    }
}

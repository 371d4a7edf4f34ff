//! The syntax of names: DNS labels and subdomains, qualified names, label values, port names.
//!
//! Each function returns what is wrong with a text, in the API server's words, and nothing for a
//! good one. A text can be wrong in several ways at once.
//!
//! The rules and texts are those of k8s.io/apimachinery `pkg/util/validation/validation.go`
//! (v0.30.5). The regular expressions are matched by hand here, for the sake of size; the texts
//! still quote them. Lengths are counted in bytes, as in Go.

const QUALIFIED_NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const DNS_1123_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const DNS_1123_SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const DNS_1035_LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// `must be no more than N characters`.
#[must_use]
pub fn max_length(length: usize) -> String {
    format!("must be no more than {length} characters")
}

/// `must be between LOW and HIGH, inclusive`.
#[must_use]
pub fn inclusive_range(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// What is wrong with a port number: it has to be from 1 to 65535.
#[must_use]
pub fn port_number(port: i32) -> Option<String> {
    (!(1..=65535).contains(&port)).then(|| inclusive_range(1, 65535))
}

/// What is wrong with a label of DNS after RFC 1123, such as a namespace's name or a port's.
#[must_use]
pub fn dns_1123_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(max_length(63));
    }
    if !is_dns_1123_label(text) {
        errors.push(if is_dns_1123_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            DNS_1123_LABEL.to_owned()
        });
    }
    errors
}

/// What is wrong with a subdomain after RFC 1123, such as a Node's name.
#[must_use]
pub fn dns_1123_subdomain(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(max_length(253));
    }
    if !is_dns_1123_subdomain(text) {
        errors.push(DNS_1123_SUBDOMAIN.to_owned());
    }
    errors
}

/// What is wrong with a label of DNS after RFC 1035, such as a Service's name: unlike RFC 1123 it
/// does not start with a digit.
#[must_use]
pub fn dns_1035_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(max_length(63));
    }
    if !is_dns_1123_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        errors.push(DNS_1035_LABEL.to_owned());
    }
    errors
}

/// What is wrong with a qualified name, `name` or `prefix/name`, such as a label's key.
#[must_use]
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let name = match text.split_once('/') {
        None => text,
        Some((_, rest)) if rest.contains('/') => {
            errors.push(format!(
                "a qualified name {QUALIFIED_NAME} with an optional DNS subdomain prefix and '/' \
                 (e.g. 'example.com/MyName')"
            ));
            return errors;
        }
        Some((prefix, name)) => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                let prefix_errors = dns_1123_subdomain(prefix);
                errors.extend(prefix_errors.iter().map(|e| format!("prefix part {e}")));
            }
            name
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push(format!("name part {}", max_length(63)));
    }
    if !is_name_part(name) {
        errors.push(format!("name part {QUALIFIED_NAME}"));
    }
    errors
}

/// What is wrong with a label's value. The empty text is a good one.
#[must_use]
pub fn label_value(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(max_length(63));
    }
    if !text.is_empty() && !is_name_part(text) {
        errors.push(LABEL_VALUE.to_owned());
    }
    errors
}

/// What is wrong with the name of a container's port, to which a `targetPort` may refer
/// (RFC 6335, lower case only).
#[must_use]
pub fn port_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 15 {
        errors.push(max_length(15));
    }
    if text.is_empty() || !text.bytes().all(is_label_byte) {
        errors.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        errors.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".to_owned());
    }
    errors
}

/// What is checked of a prefix to which the server adds characters: it may end in a hyphen.
///
/// As `maskTrailingDash` in k8s.io/apimachinery `pkg/api/validation/generic.go`.
#[must_use]
pub fn without_trailing_hyphen(prefix: &str) -> String {
    let mut text = prefix.to_owned();
    if text.len() > 1 && text.ends_with('-') {
        text.pop();
        text.pop();
        text.push('a');
    }
    text
}

/// `[-a-z0-9]`.
fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, of any length.
fn is_dns_1123_label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(is_label_byte)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Labels with dots between them, of any length.
fn is_dns_1123_subdomain(text: &str) -> bool {
    text.split('.').all(is_dns_1123_label)
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`, of any length.
fn is_name_part(text: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric());
    ends(text.bytes().next())
        && ends(text.bytes().next_back())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_label_is_lower_case_and_does_not_begin_or_end_with_a_hyphen() {
        for good in ["a", "a-b", "1a", &"x".repeat(63)] {
            assert_eq!(dns_1123_label(good), Vec::<String>::new(), "{good}");
        }
        for bad in ["", "A", "-a", "a-", "a_b", "ä"] {
            assert_eq!(dns_1123_label(bad), [DNS_1123_LABEL], "{bad}");
        }
        assert_eq!(dns_1123_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            dns_1123_label(&"X".repeat(64)),
            [max_length(63), DNS_1123_LABEL.to_owned()]
        );
    }

    #[test]
    fn an_rfc_1035_label_does_not_begin_with_a_digit() {
        assert!(dns_1035_label("a1").is_empty());
        assert_eq!(dns_1035_label("1a"), [DNS_1035_LABEL]);
        assert_eq!(dns_1035_label("a.b"), [DNS_1035_LABEL]);
    }

    #[test]
    fn a_subdomain_has_no_empty_label() {
        assert!(dns_1123_subdomain("a.b-c.1").is_empty());
        for bad in ["", ".", "a.", ".a", "a..b", "a.-b"] {
            assert_eq!(dns_1123_subdomain(bad), [DNS_1123_SUBDOMAIN], "{bad}");
        }
    }

    #[test]
    fn a_qualified_name_has_at_most_one_prefix() {
        for good in ["app", "A.b_c-1", "example.com/app"] {
            assert_eq!(qualified_name(good), Vec::<String>::new(), "{good}");
        }
        assert_eq!(qualified_name("a/b/c").len(), 1);
        assert_eq!(qualified_name("/a"), ["prefix part must be non-empty"]);
        assert_eq!(
            qualified_name("a/").len(),
            2,
            "empty, and of the wrong form"
        );
        assert!(qualified_name("A_/a")[0].starts_with("prefix part a lowercase"));
    }

    #[test]
    fn a_port_name_can_be_wrong_in_several_ways() {
        assert!(port_name("http-2").is_empty());
        assert_eq!(
            port_name("-"),
            [
                "must contain at least one letter (a-z)",
                "must not begin or end with a hyphen"
            ]
        );
        assert_eq!(port_name("").len(), 2);
        assert_eq!(port_name("a-name-too-long1"), [max_length(15)]);
    }
}

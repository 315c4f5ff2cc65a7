//! The name or address of a server, and what to write where it is something else.

use std::net::{IpAddr, Ipv6Addr};

/// The longest name of a host, and of one of its labels, in characters.
/// <https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4>
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Why a text is not a host.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAHost {
    /// What is wrong, after "`PATH` ".
    pub(super) message: &'static str,
    /// What it is instead.
    pub(super) label: &'static str,
    /// What was probably meant; never with a part of a password.
    pub(super) meant: Option<Meant>,
    /// Whether it may have a password in it.
    pub(super) is_private: bool,
}

/// A host, and the port that stood beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

/// Takes the name or the address of one host, and nothing else.
///
/// # Errors
/// It is something else, for example a URL or a name with a port.
pub(super) fn check(text: &str) -> Result<(), NotAHost> {
    let meant = meant(text);
    let Some((message, label)) = problem(text) else { return Ok(()) };
    let is_private = text.contains('@');
    Err(NotAHost { message, label, meant: meant.filter(|_| !is_private), is_private })
}

/// The usual spelling of a host, where it is another one: the same to DNS, but not to every client and certificate.
pub(super) fn usual(host: &str) -> Option<String> {
    let usual = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    (usual != host).then_some(usual)
}

fn problem(text: &str) -> Option<(&'static str, &'static str)> {
    if is_host(text) {
        return None;
    }
    let inner = text.trim();
    Some(if inner.is_empty() {
        ("must not be empty", "empty")
    } else if inner.contains("://") {
        ("is a URL, and not a host", "a URL")
    } else if inner.contains('@') {
        ("has a user in it", "not a host alone")
    } else if inner.starts_with('/') {
        ("is a path: the function reaches a server by TCP only", "a path")
    } else if inner.contains('*') {
        ("is a pattern, and not the name of one server", "a pattern")
    } else if inner.contains([',', ';']) {
        ("names several hosts, and the function logs in to one", "several")
    } else if inner.contains('%') {
        ("has a zone, by which no function reaches it", "a zone")
    } else if !inner.is_ascii() {
        ("is not in ASCII: write its form that begins with `xn--`", "not ASCII")
    } else if inner.starts_with('[') && is_host(inner.trim_matches(['[', ']'])) {
        ("has brackets, which an address has only in a URL", "in brackets")
    } else if is_with_port(inner) {
        ("has a port in it", "not a host alone")
    } else if is_host(inner) {
        ("begins or ends with a blank", "a blank")
    } else if inner.len() > MAX_NAME || inner.split('.').any(|label| label.len() > MAX_LABEL) {
        ("is longer than a name can be: 63 characters between two dots, 253 in all", "too long")
    } else if inner.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        ("is not an address", "not an address")
    } else {
        ("is not the name or the address of a host", "not a name")
    })
}

fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_name(text.strip_suffix('.').unwrap_or(text))
}

/// Whether it is a name; one whose last label is a number would be an address.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MAX_NAME
        && text.split('.').all(is_label)
        && !text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}

fn is_with_port(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_err() && text.rsplit_once(':').is_some_and(|(host, _)| !host.ends_with(':'))
}

/// The host in a text that has more, and its port.
fn meant(text: &str) -> Option<Meant> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
    } else if authority.parse::<IpAddr>().is_ok() {
        (authority, None)
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    let port = match port {
        // As in a URL that ends in a colon.
        None | Some("") => None,
        Some(port) => Some(port.trim().parse().ok().filter(|port| *port > 0)?),
    };
    let host = host.trim();
    is_host(host).then(|| Meant { host: usual(host).unwrap_or_else(|| host.to_owned()), port })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_and_an_address_are_taken_as_they_are() {
        let long = format!("{}.example.com", "a".repeat(63));
        for host in [
            "db",
            "localhost",
            "db.example.com",
            "orders.cluster-cexample.us-east-1.rds.amazonaws.com",
            "my_db.internal",
            "3com.example",
            "10.0.0.1",
            "::1",
            "fd00::17:5432",
            "::ffff:10.0.0.1",
            "db.example.com.",
            "DB.Example.com",
            &long,
        ] {
            assert_eq!(check(host), Ok(()), "{host}");
        }
    }

    #[test]
    fn what_is_more_than_a_host_is_taken_apart() {
        for (text, host, port) in [
            ("db:5432", "db", Some(5432)),
            ("DB.example.com.:5432", "db.example.com", Some(5432)),
            ("10.0.0.1:6379", "10.0.0.1", Some(6379)),
            ("db:", "db", None),
            (" db", "db", None),
            ("db\n", "db", None),
            (" db : 5432 ", "db", Some(5432)),
            ("https://db/", "db", None),
            ("postgres://db.example.com:5433/shop?sslmode=require", "db.example.com", Some(5433)),
            ("jdbc:postgresql://db:5432/shop", "db", Some(5432)),
            ("rediss://[fd00::1]:6379/0", "fd00::1", Some(6379)),
            ("db/shop", "db", None),
            ("[::1]", "::1", None),
            ("[::1]:5432", "::1", Some(5432)),
        ] {
            let error = check(text).unwrap_err();
            assert_eq!(error.meant, Some(Meant { host: host.to_owned(), port }), "{text}");
        }
    }

    #[test]
    fn what_has_no_host_in_it_is_refused_without_a_guess() {
        let (label, name) = ("a".repeat(64), ["a"; 127].join(".") + ".com");
        for text in [
            "",
            " ",
            ".",
            "*.example.com",
            "db1,db2",
            "db1:5432,db2:5432",
            "/var/run/postgresql",
            "fe80::1%eth0",
            "bücher.example",
            "db:http",
            "db:0",
            "db:70000",
            "10.0.0",
            "10.0.0.256",
            "12345",
            "a..b",
            "-db.example.com",
            "db-.example.com",
            "my db",
            "[db]",
            "[::1",
            "1:2:3",
            "https://",
            &label,
            &name,
        ] {
            assert_eq!(check(text).unwrap_err().meant, None, "{text}");
        }
    }

    #[test]
    fn a_password_before_the_host_is_neither_shown_nor_guessed_at() {
        for text in ["postgres://app:hunter2@db:5432/shop", "app:hunter2@db", "https://app:hun/ter2@db", "a@hunter2"] {
            let error = check(text).unwrap_err();
            assert!(error.is_private && error.meant.is_none(), "{text}");
        }
    }

    #[test]
    fn another_spelling_of_a_name_has_its_usual_one() {
        assert_eq!(usual("DB.Example.com."), Some("db.example.com".to_owned()));
        assert_eq!(usual("FD00::1"), Some("fd00::1".to_owned()));
        assert_eq!(usual("db.example.com"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        #[test]
        fn what_is_proposed_is_taken(text in "\\PC{0,20}|[a-cA-C0-9:./\\[\\]@ %*_-]{0,24}|([a-z]{1,4}://)?[a-z.]{1,9}(:[0-9]{0,6})?/?") {
            if let Err(NotAHost { meant: Some(Meant { host, port }), message, .. }) = check(&text) {
                prop_assert_eq!(check(&host), Ok(()), "{:?}: {}", text, message);
                prop_assert_eq!(usual(&host), None);
                prop_assert!(port != Some(0) && text.to_ascii_lowercase().contains(&host));
            }
        }

        #[test]
        fn a_host_with_a_port_is_taken_apart(host in "[a-z][a-z0-9]{0,8}(\\.[a-z][a-z0-9]{0,8}){0,3}", port in 1..=u16::MAX) {
            prop_assert_eq!(check(&host), Ok(()));
            let meant = check(&format!("{host}:{port}")).unwrap_err().meant;
            prop_assert_eq!(meant, Some(Meant { host, port: Some(port) }));
        }

        #[test]
        fn an_address_is_a_host_and_in_brackets_none(address: Ipv6Addr) {
            prop_assert_eq!(check(&address.to_string()), Ok(()));
            let meant = check(&format!("[{address}]")).unwrap_err().meant;
            prop_assert_eq!(meant, Some(Meant { host: address.to_string(), port: None }));
        }
    }
}

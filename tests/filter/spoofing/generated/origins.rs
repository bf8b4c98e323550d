//! How origins make variable names of header names, each from its documentation or source.

/// One kind of origin.
pub(crate) struct Naming {
    /// Who names variables so.
    pub(crate) origins: &'static str,
    /// The variable that a header of that name becomes; `None` where such a name makes none.
    pub(crate) variable: fn(&str) -> Option<String>,
}

/// All kinds. None is more lenient than the third; the others tell where a difference comes from.
pub(crate) const NAMINGS: [Naming; 10] = [
    Naming {
        origins: "CGI (RFC 3875 §4.1.18), WSGI (PEP 3333), Rack, PSGI, IIS and ASP.NET server variables",
        variable: |name| Some(cgi(name, &['-'])),
    },
    Naming {
        origins: "PHP $_SERVER (php_register_variable_ex) behind CGI",
        variable: |name| Some(php(&cgi(name, &['-']))),
    },
    Naming {
        origins: "lighttpd (http_cgi_headers), Apache 2.2 and mod_fcgid (http2env), suEXEC",
        variable: |name| Some(everything_folded(name)),
    },
    Naming {
        origins: "PHP behind lighttpd, Apache 2.2 or mod_fcgid",
        variable: |name| Some(php(&everything_folded(name))),
    },
    Naming {
        origins: "Apache 2.4 (http2env)",
        variable: |name| {
            let valid = |byte: char| byte.is_ascii_alphanumeric() || byte == '-';
            name.chars().all(valid).then(|| cgi(name, &['-']))
        },
    },
    Naming {
        origins: "Caddy's FastCGI, and Go's net/http/cgi (upperCaseAndUnderscore)",
        variable: |name| Some(cgi(name, &['-', ' ', '='])),
    },
    Naming {
        origins: "nginx $http_NAME with underscores_in_headers on, ignore_invalid_headers off",
        variable: |name| Some(name.to_ascii_lowercase().replace('-', "_")),
    },
    Naming {
        origins: "OpenResty's ngx.req.get_headers, PHP's getallheaders behind CGI",
        variable: |name| Some(name.to_ascii_lowercase().replace('_', "-")),
    },
    Naming {
        origins: "Node (lower case), Java servlets (any case), Go (CanonicalMIMEHeaderKey)",
        variable: |name| Some(name.to_ascii_lowercase()),
    },
    Naming {
        // Case mapping in Python, Java and Go goes beyond ASCII: U+017F becomes S, U+212A k.
        origins: "CGI names made with Unicode's case mapping",
        variable: |name| {
            let bytes: Vec<u8> = name.chars().map(|byte| byte as u8).collect();
            let text = String::from_utf8_lossy(&bytes).to_uppercase();
            Some(format!("HTTP_{}", text.to_lowercase().to_uppercase()).replace('-', "_"))
        },
    },
];

fn cgi(name: &str, underscored: &[char]) -> String {
    format!("HTTP_{}", name.to_ascii_uppercase()).replace(underscored, "_")
}

fn everything_folded(name: &str) -> String {
    format!("HTTP_{}", name.to_ascii_uppercase())
        .replace(|byte: char| !byte.is_ascii_alphanumeric(), "_")
}

/// A blank or dot becomes `_`; brackets hold an index, an unclosed bracket becomes `_`; NUL ends
/// the name.
fn php(variable: &str) -> String {
    let variable = variable.split('\0').next().unwrap_or_default();
    let (name, index) = variable.split_once('[').unwrap_or((variable, "]"));
    let name = name.replace([' ', '.'], "_");
    if index.contains(']') {
        name
    } else {
        format!("{name}_{index}")
    }
}

/// The families, as far as their names are fixed.
pub(crate) const FAMILIES: [&str; 2] = ["cf-client-cert-", "cf-cert-"];

/// The managed names of a configuration, and their variables at each origin.
pub(crate) struct Managed {
    /// Names in `request_headers`, and those that go with them.
    pub(crate) names: Vec<String>,
    variables: Vec<Variables>,
}

/// The variables of one kind of origin.
struct Variables {
    naming: &'static Naming,
    names: Vec<String>,
    families: Vec<String>,
}

impl Managed {
    pub(crate) fn new(names: Vec<String>) -> Managed {
        let variables = NAMINGS.iter().map(|naming| Variables {
            naming,
            names: names
                .iter()
                .filter_map(|name| (naming.variable)(name))
                .collect(),
            families: FAMILIES
                .iter()
                .filter_map(|name| (naming.variable)(name))
                .collect(),
        });
        Managed {
            variables: variables.collect(),
            names,
        }
    }

    /// The first origin that takes a header of that name for a managed one, with the variable's
    /// name.
    pub(crate) fn taken_for_managed(&self, name: &str) -> Option<(&'static str, String)> {
        let name = name.trim_matches([' ', '\t']);
        self.variables.iter().find_map(|managed| {
            let variable = (managed.naming.variable)(name)?;
            let of_family = |family: &String| variable.starts_with(family.as_str());
            let is_managed =
                managed.names.contains(&variable) || managed.families.iter().any(of_family);
            is_managed.then_some((managed.naming.origins, variable))
        })
    }

    /// Whether contract §4.1 removes the header, by another method than the filter's: the words of
    /// the name.
    pub(crate) fn are_words_of(&self, name: &str) -> bool {
        let words = words(name);
        words.starts_with(&["cf".into(), "client".into(), "cert".into()]) && words.len() > 3
            || words.starts_with(&["cf".into(), "cert".into()]) && words.len() > 2
            || self
                .names
                .iter()
                .any(|managed| self::words(managed) == words)
    }
}

fn words(name: &str) -> Vec<String> {
    name.split(|byte: char| !byte.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Managed, php};

    #[test]
    fn php_names_are_those_of_its_manual() {
        assert_eq!(php("HTTP_A B.C"), "HTTP_A_B_C");
        assert_eq!(php("HTTP_A[B]"), "HTTP_A");
        assert_eq!(php("HTTP_A.B[C"), "HTTP_A_B_C");
    }

    #[test]
    fn the_two_models_agree_on_names_that_http_allows() {
        let managed = Managed::new(vec!["x-cert-serial".to_owned()]);
        for (name, expected) in [
            ("Cf-Client-Cert-Sha256", true),
            ("cf!client_cert.x", true),
            ("cf-cert-", true),
            ("X.CERT~SERIAL", true),
            ("cf-client-cert", false),
            ("cf-client-certificate", false),
            ("cf--cert-x", false),
            ("x-cert-serial-", false),
        ] {
            assert_eq!(managed.are_words_of(name), expected, "{name}");
            assert_eq!(
                managed.taken_for_managed(name).is_some(),
                expected,
                "{name}"
            );
        }
    }
}

//! The command line. Its comments are the help.

use anstream::ColorChoice;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

use crate::input::Input;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

const EXIT_CODES: &str = "\
Exit codes: 0 fine; 1 errors or warnings were found; 2 the command line is
wrong, or the input can't be read.";

/// Check, explain and make configurations of the client certificate forwarder.
///
/// Needs no Envoy: the answers come from the filter's own code.
#[derive(Debug, Parser)]
#[command(name = "ccf", version, styles = STYLES, max_term_width = 80, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Output for people or for programs.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub(crate) format: Format,
    /// When to use colours; NO_COLOR, CLICOLOR and TERM=dumb count too.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", value_parser = color)]
    pub(crate) color: ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn color(word: &str) -> Result<ColorChoice, String> {
    match word {
        "auto" => Ok(ColorChoice::Auto),
        "always" => Ok(ColorChoice::Always),
        "never" => Ok(ColorChoice::Never),
        _ => Err("expected auto, always or never".to_owned()),
    }
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines of at most 80 columns, where values allow it.
    #[default]
    Text,
    /// JSON.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(Check),
    Explain(Explain),
    Filters(Filters),
    Fields(Fields),
    Revocations(Revocations),
    Schema(Schema),
    Completions(Completions),
    Man(Man),
}

/// Report everything that is wrong with configurations.
///
/// Reads plugin configurations in JSON or YAML, and those inside Envoy's YAML or JSON, Istio's
/// WasmPlugin, Envoy Gateway's EnvoyExtensionPolicy and the settings API's base.json. Each finding
/// has file, line and JSON path. In Envoy's files the surroundings of the filter are checked too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf check plugin.json
  ccf check envoy.yaml istio.yaml base.json
  kubectl get wasmplugin -A -o yaml | ccf check --format json -")]
pub(crate) struct Check {
    /// Files to check; - for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<Input>,
}

/// Say what the filter does with the first and the next request of a connection.
///
/// Which setting applies, which headers are removed and added, and why a header is missing. The
/// filter's own code decides. The connection has TLS; its SNI is HOST unless --sni says otherwise.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf explain plugin.json --host api.example.com --cert client.pem
  ccf explain envoy.yaml --host api.example.com --header cf-cert-serial=1")]
pub(crate) struct Explain {
    /// The plugin configuration, in any file that ccf check reads; - for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: Input,
    /// The request's host, as in Host or :authority.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: String,
    /// The client's certificate, PEM or DER; further ones in the file are its chain. Without it the
    /// client presents none.
    #[arg(long, value_name = "PEM")]
    pub(crate) cert: Option<Input>,
    /// The certificates that the client presents after its own.
    #[arg(long, value_name = "PEM", requires = "cert")]
    pub(crate) chain: Option<Input>,
    /// The server name that the client sent in the TLS handshake; empty for none.
    #[arg(long, value_name = "NAME")]
    pub(crate) sni: Option<String>,
    /// The certificate was presented, but not verified.
    #[arg(long, requires = "cert")]
    pub(crate) unverified: bool,
    /// A header of the request; may be given several times.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !name.starts_with(':') => {
            Ok((name.to_ascii_lowercase(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Print the filter's configuration for Envoy as YAML.
///
/// Without options this is the HTTP filter of the fast path, which keeps requests with nothing left
/// to do out of the wasm VM.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf filters plugin.json
  ccf filters --plain --wasm /opt/filter.wasm plugin.json
  ccf filters --bootstrap plugin.json >envoy.yaml")]
pub(crate) struct Filters {
    /// The plugin configuration, in any file that ccf check reads; - for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: Input,
    /// The wasm filter alone: every request enters the VM.
    #[arg(long)]
    pub(crate) plain: bool,
    /// Path of the filter's module where Envoy runs.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/etc/envoy/client_cert_forwarder.wasm"
    )]
    pub(crate) wasm: String,
    /// A whole Envoy with mTLS on port 8443 and an origin on port 8080.
    #[arg(long)]
    pub(crate) bootstrap: bool,
    /// Folder of server.crt, server.key and client-ca.crt where Envoy runs, for --bootstrap.
    #[arg(long, value_name = "FOLDER", default_value = "/etc/envoy/tls")]
    pub(crate) tls: String,
}

/// Print every field of a certificate.
///
/// These are the fields that request_headers and response_headers can send, with the values that
/// the filter would send. Fields that the certificate does not have are left out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf fields client.pem
  ccf fields --field certSubjectDN client.pem
  openssl s_client -connect host:443 </dev/null | ccf fields -")]
pub(crate) struct Fields {
    /// The certificate, PEM or DER; further ones in the file are its chain; - for standard input.
    #[arg(value_name = "CERT")]
    pub(crate) certificate: Input,
    /// Print the whole value of this field and nothing else.
    #[arg(long, value_name = "NAME")]
    pub(crate) field: Option<String>,
}

/// Make entries of revoked_certificates from revocation lists (CRLs).
///
/// Prints the JSON array for the plugin configuration. With --ca each list must be signed by one of
/// these certificates. A list that is expired, or that can't be used for another reason, is an
/// error, and nothing is printed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf revocations --ca ca.pem crl.pem
  curl -s http://ca.example.com/ca.crl | ccf revocations --ca ca.pem -")]
pub(crate) struct Revocations {
    /// Files with one or several CRLs, PEM or DER; - for standard input.
    #[arg(required = true, value_name = "CRL")]
    pub(crate) lists: Vec<Input>,
    /// Certificates of the CAs that may have signed the lists, PEM or DER. Without it signatures
    /// are not checked.
    #[arg(long = "ca", value_name = "PEM")]
    pub(crate) authorities: Vec<PathBuf>,
}

/// Print the JSON Schema of the plugin configuration, for editors and CI.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf schema >plugin-config.schema.json")]
pub(crate) struct Schema {}

/// Print a script that completes the command line in a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf completions bash >/etc/bash_completion.d/ccf
  ccf completions zsh >~/.zfunc/_ccf
  ccf completions fish >~/.config/fish/completions/ccf.fish")]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Print the manual page.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ccf man >/usr/local/share/man/man1/ccf.1
  ccf man | man -l -")]
pub(crate) struct Man {}
